// The redirect URI of a command line (RFC 8252 §7.3): a server on a port of this machine's own that answers one request, the
// browser's. Every page in that browser, and every program here, can send it requests; those get nothing, and change nothing.

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LOOPBACK_REDIRECT_PATH } from "../../../protocol/sign-in/oauth.ts";
import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { CommandError } from "../../platform/command-error.ts";
import { type AuthorizationAnswer, readAnswer } from "./authorization.ts";
import { loopbackPage } from "./loopback-page.ts";

/** For the whole sign-in in the browser. */
const LIMIT_MS = 5 * 60_000;
/** For one request to arrive. */
const REQUEST_MS = 5_000;
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_CONNECTIONS = 32;

export interface LoopbackOptions {
  readonly gateway: GatewayUrl;
  readonly state: string;
  readonly signal: AbortSignal;
  readonly limitMs?: number;
  readonly requestMs?: number;
  /** Addresses to try in turn. */
  readonly addresses?: readonly string[];
}

export interface Loopback {
  readonly redirectUri: string;
  /** @throws CommandError stage `sign-in`, code `timeout`; the signal's reason */
  answer(): Promise<AuthorizationAnswer>;
  close(): void;
}

/** @throws CommandError stage `sign-in`, code `no_loopback`: this machine has no loopback address */
export async function listenForAnswer(options: LoopbackOptions): Promise<Loopback> {
  const { requestMs = REQUEST_MS, addresses = ["127.0.0.1", "::1"] } = options;
  let settle: { resolve(answer: AuthorizationAnswer): void; reject(error: unknown): void };
  const answered = new Promise<AuthorizationAnswer>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Nobody may wait for it yet when it is rejected.
  answered.catch(() => {});
  let host = "";
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(1_000, requestMs),
    },
    (request, response) => {
      const answer = answerOf(request, host, options);
      if (answer === undefined) return notFound(response);
      respond(request, response, answer, () => {
        close();
        settle.resolve(answer);
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  // A request that nobody can read is answered by the connection's end.
  server.on("clientError", (_, socket) => socket.destroy());
  host = await listen(server, addresses);

  const { signal, limitMs = LIMIT_MS } = options;
  const late = new CommandError(
    "sign-in",
    "timeout",
    `Nobody signed in within ${Math.round(limitMs / 60_000)} minutes: run it again.`,
  );
  const timer = setTimeout(() => fail(late), limitMs);
  const onAbort = (): void => fail(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  function close(): void {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    server.close();
    server.closeAllConnections();
  }
  function fail(error: unknown): void {
    close();
    settle.reject(error);
  }
  if (signal.aborted) onAbort();
  return { redirectUri: `http://${host}${LOOPBACK_REDIRECT_PATH}`, answer: () => answered, close };
}

async function listen(server: Server, addresses: readonly string[]): Promise<string> {
  let cause: unknown;
  for (const address of addresses) {
    try {
      server.listen(0, address);
      await once(server, "listening");
      const { port, family } = server.address() as AddressInfo;
      return family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
    } catch (error) {
      cause = error;
    }
  }
  const message =
    "No port of this machine can be opened for the browser's answer: use `sallyport login --device`.";
  throw new CommandError("sign-in", "no_loopback", message, { cause });
}

/** undefined: it is not the browser's answer. */
function answerOf(
  { method, url = "", headers }: IncomingMessage,
  host: string,
  { state, gateway }: LoopbackOptions,
): AuthorizationAnswer | undefined {
  // A page can make its own host name resolve to this machine, but not make its browser say this address.
  if (method !== "GET" || headers.host !== host) return undefined;
  const [path, query, ...more] = url.split("?");
  if (path !== LOOPBACK_REDIRECT_PATH || query === undefined || more.length > 0) return undefined;
  return readAnswer(new URLSearchParams(query), { state, gateway });
}

function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answer: AuthorizationAnswer,
  done: () => void,
): void {
  const page = loopbackPage(answer.kind, request.headers["accept-language"]);
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "content-length": Buffer.byteLength(page),
    "content-security-policy":
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    connection: "close",
  });
  response.once("close", done);
  response.end(page);
}

function notFound(response: ServerResponse): void {
  response.writeHead(404, { "content-length": 0, "cache-control": "no-store", connection: "close" });
  response.end();
}
