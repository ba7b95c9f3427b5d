// upterm's WebSockets: each carries a whole SSH connection, of a host or a client, in binary messages whose
// borders mean nothing. Headers identify them, at any path. The SSH port's server serves the connection
// inside.

import type { IncomingMessage } from "node:http";
import { ProtocolError } from "../../protocol/errors.ts";
import { type ByteSocket, webSocketStream } from "../../protocol/web-socket/web-socket.ts";
import type { SshAcceptor } from "../ssh/upterm-front.ts";
import { HOST_IDENTIFICATION } from "./front.ts";
import { sessionIdIn } from "./session-id.ts";

const VERSION_HEADER = "upterm-client-version";
const MAX_AUTHORIZATION_LENGTH = 2_048;
/** "The server meets an unexpected condition" (RFC 6455 §7.4.1): what upterm sends for every failure. */
const CLOSE_FAILED = 1011;

/** Whether a request for an unknown path may be upterm's. */
export function isUptermRequest(request: IncomingMessage): boolean {
  return (
    request.headers[VERSION_HEADER] !== undefined || /^basic /i.test(request.headers.authorization ?? "")
  );
}

type UptermRequest =
  | { readonly role: "host" }
  /**
   * `session` undefined: the user name is not a session id. The password is a node's address, which is
   * ignored.
   */
  | { readonly role: "client"; readonly session: string | undefined };

/**
 * The credentials let nobody in: the peer proves a key in the SSH connection inside.
 * @throws ProtocolError bad_request, as upterm's server answers
 */
export function readUptermRequest(request: IncomingMessage): UptermRequest {
  const version = request.headers[VERSION_HEADER];
  if (typeof version !== "string" || version === "") {
    throw new ProtocolError("bad_request", "The Upterm-Client-Version header is missing.");
  }
  const authorization = request.headers.authorization ?? "";
  const encoded = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(
    authorization.slice(0, MAX_AUTHORIZATION_LENGTH),
  )?.[1];
  const colon = encoded === undefined ? -1 : Buffer.from(encoded, "base64").indexOf(":");
  if (encoded === undefined || colon === -1) {
    throw new ProtocolError("bad_request", "The Authorization header has no user name and password.");
  }
  if (version === HOST_IDENTIFICATION) return { role: "host" };
  const user = Buffer.from(encoded, "base64").subarray(0, colon).toString("utf8");
  return { role: "client", session: sessionIdIn(user) };
}

/** Hands an accepted WebSocket to the SSH server. */
export function carrySsh(
  socket: ByteSocket,
  request: UptermRequest,
  address: string,
  server: SshAcceptor,
): void {
  if (request.role === "client" && request.session === undefined) {
    socket.resume();
    socket.close(CLOSE_FAILED, "invalid session id");
    return;
  }
  server.accept(webSocketStream(failingEarly(socket)), address);
}

/**
 * Where the server ends before it has sent a byte, it has refused the connection: the peer is told of a
 * failure.
 */
function failingEarly(socket: ByteSocket): ByteSocket {
  let sent = false;
  return {
    get readyState() {
      return socket.readyState;
    },
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    get isPaused() {
      return socket.isPaused;
    },
    send(data, options, done) {
      sent = true;
      socket.send(data, options, done);
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: (code, reason) => (sent ? socket.close(code, reason) : socket.close(CLOSE_FAILED, "refused")),
    terminate: () => (sent ? socket.terminate() : socket.close(CLOSE_FAILED, "refused")),
    on: socket.on.bind(socket),
    once: socket.once.bind(socket),
  };
}
