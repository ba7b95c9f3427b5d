// What Sallyport's SSH servers need of an ssh2 connection besides its packets: the stream below it, and messages that ssh2
// sends without a text, or cannot send.

import { Duplex } from "node:stream";
import type { Connection, Server } from "ssh2";
import { MSG } from "../message-numbers.ts";
import { disconnectMessage, isAlive, privateProtocol, sendMessage, unexpectedVersion } from "./private.ts";

/** Answers a message of an unknown kind (RFC 4253 §11.4): the one just received. */
export function refuseMessage(connection: Connection): Uint8Array {
  return unimplementedMessage(((privateProtocol(connection)._decipher?.inSeqno ?? 1) - 1) >>> 0);
}

/** UNIMPLEMENTED for the message that came with this sequence number. */
export function unimplementedMessage(sequence: number): Uint8Array {
  const message = Buffer.alloc(5);
  message[0] = MSG.unimplemented;
  message.writeUInt32BE(sequence, 1);
  return message;
}

/**
 * Sends DISCONNECT with a description, which ssh2's own leaves empty. Works before authentication too. The caller ends
 * the stream.
 */
export function disconnect(connection: Connection, reason: number, description: string): void {
  const protocol = privateProtocol(connection);
  if (isAlive(protocol)) sendMessage(protocol, [disconnectMessage(reason, description)], true);
}

/** `server.injectSocket` for any byte stream: ssh2 uses no more of a socket, only its types ask for one. */
export function injectStream(server: Server, stream: Duplex): void {
  Reflect.apply(server.injectSocket, server, [stream]);
}

/** The stream that was given to `injectStream`, by which a connection is told from the others. */
export function streamOf(connection: Connection): Duplex {
  const stream = "_sock" in connection ? connection._sock : undefined;
  if (!(stream instanceof Duplex)) throw unexpectedVersion();
  return stream;
}
