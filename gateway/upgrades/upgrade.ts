// HTTP answers on a socket that asked for an upgrade: what a client gets that is refused before its WebSocket exists.

import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { ERROR_STATUS, ProtocolError } from "../../protocol/errors.ts";

/** Sends the error as the API does (status and JSON body) and ends the connection. */
export function refuseUpgrade(socket: Duplex, error: ProtocolError): void {
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

/** Anything thrown on the way to an upgrade, as a refusal; what is not ours becomes `internal` without its details. */
export function asRefusal(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  return new ProtocolError("internal", "The gateway failed; its log says why.", { cause: error });
}
