// The part of a WebSocket (the `ws` package's class) that carries bytes, as gateway and agent both use it, and the
// Duplex stream over it. No I/O of its own: it wraps a connection that somebody else opened.

import { Duplex } from "node:stream";
import { CLOSE } from "../errors.ts";
import { Inbound } from "../inbound.ts";
import { CHUNK_BYTES, HIGH_WATER_BYTES, WAITING_MESSAGE_BYTES } from "../limits.ts";
import { printable } from "../values/printable.ts";

export interface ByteSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly isPaused: boolean;
  /** Of a client: what was dialled. */
  readonly url?: string;
  send(data: Uint8Array, options: { binary: boolean }, done?: (error?: Error) => void): void;
  pause(): void;
  resume(): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  on(event: "message", listener: (data: unknown, isBinary: boolean) => void): unknown;
  on(event: "close", listener: (code: number, reason: Buffer) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  once(event: "message", listener: (data: unknown, isBinary: boolean) => void): unknown;
}

/** `WebSocket.OPEN` and `CLOSED` (RFC 6455 has no numbers; these are the WHATWG's). */
export const OPEN = 1;
export const CLOSED = 3;

/**
 * A TLS record takes 16,384 bytes (RFC 8446 §5.1), a client's frame of that size has a header of 8. Frames that fill
 * their records leave the gateway in the memory that they came in; others have to be copied there.
 */
const RECORD_PAYLOAD_BYTES = 16 * 1024 - 8;

/** Sends bytes whose borders mean nothing; `done` once all of them are on their way. */
export function sendBytes(socket: ByteSocket, data: Buffer, done?: (error?: Error) => void): void {
  let rest = data;
  if (socket.url?.startsWith("wss:") === true) {
    for (; rest.length > RECORD_PAYLOAD_BYTES; rest = rest.subarray(RECORD_PAYLOAD_BYTES)) {
      socket.send(rest.subarray(0, RECORD_PAYLOAD_BYTES), { binary: true });
    }
  }
  socket.send(rest, { binary: true }, done);
}

/** The close frame's reason as text: at most 123 bytes fit (RFC 6455 §5.5). */
export function closeReason(text: string): string {
  let reason: string = printable(text, 123);
  while (Buffer.byteLength(reason) > 123) reason = reason.slice(0, -1);
  return reason;
}

/**
 * A byte stream over binary messages whose borders mean nothing (`sallyport.v1.raw`). Reading pauses the socket when
 * the reader is slow; writing reports back-pressure once HIGH_WATER_BYTES are on their way. A text message ends it.
 * The raw subprotocol has no half-close: ending the writable side closes the connection after what was written.
 */
export function webSocketStream(socket: ByteSocket): Duplex {
  /** What has not been sent yet costs in memory. */
  let unsent = 0;
  const write = (chunk: Buffer, done: (error?: Error) => void): void => {
    if (socket.readyState !== OPEN) {
      done(new Error("the WebSocket is closed"));
      return;
    }
    // Only the first HIGH_WATER_BYTES are acknowledged at once; past that each write waits for its own flush.
    const waits = unsent > HIGH_WATER_BYTES;
    const cost = chunk.length + WAITING_MESSAGE_BYTES;
    unsent += cost;
    sendBytes(socket, chunk, (error) => {
      unsent -= cost;
      if (waits) done(error);
    });
    if (!waits) done();
  };
  const readableHighWaterMark = 4 * CHUNK_BYTES;
  const stream = new Duplex({
    allowHalfOpen: false,
    readableHighWaterMark,
    writableHighWaterMark: 4 * CHUNK_BYTES,
    read() {
      inbound.pump();
      goOn();
    },
    write: (chunk: Buffer, _encoding, done) => write(chunk, done),
    writev(chunks, done) {
      const parts: Buffer[] = chunks.map(({ chunk }) => chunk);
      // What is written together goes out, and arrives, together, unless it is much.
      if (stream.writableLength <= CHUNK_BYTES) return write(Buffer.concat(parts), done);
      for (const [index, part] of parts.entries()) write(part, index === parts.length - 1 ? done : () => {});
    },
    final(done) {
      if (socket.readyState === OPEN) socket.close(CLOSE.normal);
      done();
    },
    destroy(error, done) {
      // A peer that does not answer the close frame must not keep the socket: `ws` ends it after its close timeout.
      if (socket.isPaused) socket.resume();
      if (error) socket.terminate();
      else if (socket.readyState === OPEN) socket.close(CLOSE.normal);
      done(error);
    },
  });
  const isFull = (): boolean => stream.readableLength + inbound.waiting >= readableHighWaterMark;
  const goOn = (): void => {
    if (socket.isPaused && !isFull()) socket.resume();
  };
  const inbound = new Inbound(stream, () => {}, goOn);
  socket.on("message", (data, isBinary) => {
    if (stream.destroyed) return;
    if (!isBinary || !(data instanceof Uint8Array)) {
      socket.close(CLOSE.protocolError, "binary messages only");
      stream.destroy(new Error("the peer sent a text message on a byte stream"));
      return;
    }
    inbound.push(Buffer.from(data.buffer, data.byteOffset, data.length));
    if (isFull()) socket.pause();
  });
  socket.on("close", () => inbound.end());
  socket.on("error", (error) => {
    stream.destroy(error);
  });
  return stream;
}
