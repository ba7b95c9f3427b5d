// One upgrade: an HTTP request that asks to become a WebSocket. Until it is accepted, a refusal is a plain
// HTTP response.

import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { ERROR_STATUS, ProtocolError } from "../../protocol/errors.ts";
import { type DataSubprotocol, SUBPROTOCOL } from "../../protocol/values/gateway-url.ts";

export class Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Bytes that came together with the request, of the WebSocket already. */
  readonly head: Buffer;
  /** The client's, behind trusted proxies. */
  readonly address: string;

  constructor(request: IncomingMessage, socket: Duplex, head: Buffer, address: string) {
    this.request = request;
    this.socket = socket;
    this.head = head;
    this.address = address;
    socket.on("error", ignore);
  }

  get path(): string | undefined {
    return this.request.url?.split("?", 1)[0];
  }

  /** @throws ProtocolError unsupported_version: the request does not offer this subprotocol */
  requireSubprotocol(name: string): void {
    if (!this.#offers(name)) throw unsupported(name);
  }

  /**
   * The subprotocols for bytes that the request offers, the best one first.
   * @throws ProtocolError unsupported_version: it offers none
   */
  dataSubprotocols(): [DataSubprotocol, ...DataSubprotocol[]] {
    const [best, ...others] = [SUBPROTOCOL.resume, SUBPROTOCOL.raw].filter((name) => this.#offers(name));
    if (best === undefined) throw unsupported(SUBPROTOCOL.raw);
    return [best, ...others];
  }

  /** A WebSocket has taken the socket over, and handles its errors. */
  accepted(): void {
    this.socket.off("error", ignore);
  }

  /** Sends the error as the API does (status and JSON body) and ends the connection. */
  refuse(error: ProtocolError): void {
    const { socket } = this;
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const status = ERROR_STATUS[error.code];
    const body = JSON.stringify(error.toBody());
    const challenge = status === 401 ? "WWW-Authenticate: Bearer\r\n" : "";
    socket.once("finish", () => socket.destroy());
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\nConnection: close\r\n` +
        `Content-Type: application/json\r\n${challenge}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }

  #offers(subprotocol: string): boolean {
    const offered = this.request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim());
    return offered?.includes(subprotocol) === true;
  }
}

/** An error before that means that the client has left: "close" follows. */
function ignore(): void {
  // Nothing is open yet that could be ended.
}

function unsupported(wanted: string): ProtocolError {
  return new ProtocolError("unsupported_version", `This path speaks the WebSocket subprotocol ${wanted}.`);
}
