// Accepts upgrades as WebSockets, and knows all that are open, to close them when the gateway stops.

import type { Logger } from "pino";
import { type WebSocket, WebSocketServer } from "ws";
import { TIME_HEADER } from "../../protocol/clock.ts";
import { CLOSE, ProtocolError } from "../../protocol/errors.ts";
import { MAX_CONTROL_BYTES, MAX_MESSAGE_BYTES } from "../../protocol/limits.ts";
import { SUBPROTOCOL } from "../../protocol/values/gateway-url.ts";
import { CHECK_SUBPROTOCOL } from "../../protocol/web-socket/check.ts";
import { paceWebSocket } from "../../protocol/web-socket/web-socket-pace.ts";
import type { Upgrade } from "./upgrade.ts";

const DRAIN_MS = 3_000;

/** A subprotocol, or `none` for upterm's WebSockets, which have none. */
type AcceptedSubprotocol = (typeof SUBPROTOCOL)[keyof typeof SUBPROTOCOL] | typeof CHECK_SUBPROTOCOL | "none";

export class AcceptedWebSockets {
  readonly #log: Logger;
  readonly #open = new Set<WebSocket>();
  readonly #servers: Readonly<Record<AcceptedSubprotocol, WebSocketServer>> = {
    [SUBPROTOCOL.control]: webSocketServer(SUBPROTOCOL.control, MAX_CONTROL_BYTES),
    [SUBPROTOCOL.raw]: webSocketServer(SUBPROTOCOL.raw, MAX_MESSAGE_BYTES),
    [SUBPROTOCOL.resume]: webSocketServer(SUBPROTOCOL.resume, MAX_MESSAGE_BYTES),
    [CHECK_SUBPROTOCOL]: webSocketServer(CHECK_SUBPROTOCOL, 125),
    none: webSocketServer(undefined, MAX_MESSAGE_BYTES),
  };

  constructor(log: Logger) {
    this.#log = log;
    this.#servers[SUBPROTOCOL.control].on("headers", (headers) =>
      headers.push(`${TIME_HEADER}: ${Date.now()}`),
    );
  }

  /**
   * Answers the upgrade. The WebSocket is paused.
   * @throws ProtocolError bad_request: the handshake is malformed, or the client has left
   */
  accept(upgrade: Upgrade, subprotocol: AcceptedSubprotocol): Promise<WebSocket> {
    const { request, socket, head } = upgrade;
    return new Promise((resolve, reject) => {
      if (socket.destroyed) {
        reject(new ProtocolError("bad_request", "The client left before it was answered."));
        return;
      }
      // `ws` answers a malformed handshake itself and then does not call back; the socket's end tells of it.
      const gone = (): void =>
        reject(new ProtocolError("bad_request", "The WebSocket handshake is malformed."));
      socket.once("close", gone);
      this.#servers[subprotocol].handleUpgrade(request, socket, head, (accepted) => {
        // Nothing is read before somebody listens: bytes may have come together with the request.
        accepted.pause();
        paceWebSocket(accepted);
        socket.off("close", gone);
        upgrade.accepted();
        this.#hold(accepted);
        resolve(accepted);
      });
    });
  }

  /** Closes all, and settles once they are closed: within DRAIN_MS, then they are cut. */
  async close(reason: string): Promise<void> {
    for (const socket of this.#open) socket.close(CLOSE.goingAway, reason);
    await allClosed(this.#open, DRAIN_MS);
    for (const socket of this.#open) socket.terminate();
  }

  #hold(socket: WebSocket): void {
    this.#open.add(socket);
    socket.on("error", this.#failed).on("close", this.#closed);
  }

  // One function for all WebSockets: a closure of each would keep its request in memory for as long as it is
  // open.
  readonly #failed = (error: Error): void =>
    this.#log.debug({ message: error.message }, "a WebSocket failed");
  readonly #closed = forgetIn(this.#open);
}

function forgetIn(open: Set<WebSocket>): (this: WebSocket) => void {
  return function () {
    open.delete(this);
  };
}

function webSocketServer(subprotocol: string | undefined, maxPayload: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    // paceWebSocket answers pings.
    autoPong: false,
    maxPayload,
    handleProtocols: () => subprotocol ?? false,
  });
}

async function allClosed(sockets: ReadonlySet<WebSocket>, ms: number): Promise<void> {
  await Promise.race([
    Promise.all(
      [...sockets].map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()))),
    ),
    new Promise<void>((resolve) => setTimeout(resolve, ms).unref()),
  ]);
}
