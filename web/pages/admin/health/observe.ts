// What this browser sees of the gateway: whether WebSockets and the event stream pass, and whether the clocks agree.

import type { SignInMethods } from "../../../../protocol/sign-in/api.ts";
import { CHECK_PATH, CHECK_SUBPROTOCOL } from "../../../../protocol/web-socket/check.ts";
import { api } from "../../../api.ts";
import { BASE, withBase } from "../../../base.ts";
import type { EventsFinding, Observed, WebSocketFinding } from "./check.ts";

const PATIENCE_MS = 8_000;

export function observedAtOnce(): Observed {
  return {
    pageUrl: `${location.origin}${BASE}`,
    secureContext: isSecureContext,
    cookies: undefined,
    webSocket: undefined,
    events: undefined,
    clockAheadMs: undefined,
    clockErrorMs: undefined,
  };
}

/** Tests one after the other may take; each finding is told when it is there. */
export function observe(signal: AbortSignal, tell: (finding: Partial<Observed>) => void): void {
  const told = (finding: Partial<Observed>): void => {
    if (!signal.aborted) tell(finding);
  };
  void webSocketPasses(signal).then((webSocket) => told({ webSocket }));
  void eventsArrive(signal).then((events) => told({ events }));
  api.get<SignInMethods>("/sign-in-methods", { signal, quiet: true }).then(
    ({ cookies }) => told({ cookies }),
    () => told({ cookies: false }),
  );
}

/** Opens a WebSocket that the gateway closes at once. */
function webSocketPasses(signal: AbortSignal): Promise<WebSocketFinding> {
  return new Promise((resolve) => {
    const url = new URL(withBase(CHECK_PATH), location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, CHECK_SUBPROTOCOL);
    const timer = setTimeout(() => end("silent"), PATIENCE_MS);
    const end = (finding: WebSocketFinding): void => {
      clearTimeout(timer);
      socket.close();
      resolve(finding);
    };
    socket.addEventListener("open", () => end(socket.protocol === CHECK_SUBPROTOCOL ? "passes" : "refused"));
    socket.addEventListener("error", () => end("refused"));
    signal.addEventListener("abort", () => end("silent"), { once: true });
  });
}

/** Opens the event stream, of which the first event comes at once. */
function eventsArrive(signal: AbortSignal): Promise<EventsFinding> {
  return new Promise((resolve) => {
    const since = performance.now();
    const source = new EventSource(withBase("/api/v1/events"));
    let opened = false;
    const timer = setTimeout(() => end(opened ? "silent" : "failed"), PATIENCE_MS);
    const end = (finding: EventsFinding): void => {
      clearTimeout(timer);
      source.close();
      resolve(finding);
    };
    source.addEventListener("open", () => {
      opened = true;
    });
    source.addEventListener("snapshot", () => end({ firstMs: performance.now() - since }));
    source.addEventListener("error", () => end("failed"));
    signal.addEventListener("abort", () => end("failed"), { once: true });
  });
}
