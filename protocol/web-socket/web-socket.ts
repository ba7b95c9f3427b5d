// The part of a WebSocket (the `ws` package's class) that carries bytes, as gateway and agent use it, and a Duplex stream over
// it. There is no I/O here: it wraps a connection that its caller opened.

import { Duplex } from "node:stream";
import { CLOSE } from "../errors.ts";
import { Inbound } from "../flow/inbound.ts";
import { CHUNK_BYTES, HIGH_WATER_BYTES, WAITING_MESSAGE_BYTES } from "../limits.ts";
import { printable } from "../values/printable.ts";

export interface ByteSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly isPaused: boolean;
  /** A client's: the URL that was dialled. */
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
 * A TLS record holds 16,384 bytes (RFC 8446 §5.1), and a client's frame of that size has a header of 8. The gateway forwards
 * frames that fill their records in the memory that they came in; it has to copy others.
 */
const RECORD_PAYLOAD_BYTES = 16 * 1024 - 8;

/** Sends bytes whose message boundaries mean nothing. `done` is called once all of them were sent. */
export function sendBytes(socket: ByteSocket, data: Buffer, done?: (error?: Error) => void): void {
  let rest = data;
  if (socket.url?.startsWith("wss:") === true) {
    for (; rest.length > RECORD_PAYLOAD_BYTES; rest = rest.subarray(RECORD_PAYLOAD_BYTES)) {
      socket.send(rest.subarray(0, RECORD_PAYLOAD_BYTES), { binary: true });
    }
  }
  socket.send(rest, { binary: true }, done);
}

/** Fits a text into a close frame's reason: at most 123 bytes (RFC 6455 §5.5). */
export function closeReason(text: string): string {
  let reason: string = printable(text, 123);
  while (Buffer.byteLength(reason) > 123) reason = reason.slice(0, -1);
  return reason;
}

/**
 * A byte stream over binary messages whose boundaries mean nothing (`sallyport.v1.raw`). A slow reader pauses the socket; a
 * writer gets back-pressure once HIGH_WATER_BYTES are unsent. A text message destroys the stream. The raw subprotocol has no
 * half-close: ending the writable side closes the connection after what was written.
 */
export function webSocketStream(socket: ByteSocket): Duplex {
  /** What the unsent messages cost in memory, in bytes. */
  let unsent = 0;
  const write = (chunk: Buffer, done: (error?: Error) => void): void => {
    if (socket.readyState !== OPEN) {
      done(new Error("the WebSocket is closed"));
      return;
    }
    // Only the first HIGH_WATER_BYTES are reported as written at once; after that each write waits until it was sent.
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
      // Chunks that are written together are sent as one message, unless they are large.
      if (stream.writableLength <= CHUNK_BYTES) return write(Buffer.concat(parts), done);
      for (const [index, part] of parts.entries()) write(part, index === parts.length - 1 ? done : () => {});
    },
    final(done) {
      if (socket.readyState === OPEN) socket.close(CLOSE.normal);
      done();
    },
    destroy(error, done) {
      // Resumed so that the close frame's answer is read. `ws` ends the socket of a peer that does not answer in time.
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
