// Carries what one WebSocket receives to another without making messages of it in between: each piece goes on as soon as
// it is there, in the memory that it arrived in. Pings, pongs and close frames stay with their own side.

import type { WebSocket } from "ws";
import { MAX_MESSAGE_BYTES } from "../../protocol/limits.ts";
import { OPEN } from "../../protocol/web-socket.ts";
import { FRAME_FLAGS, frameHeaderLength, writeFrameHeader } from "../../protocol/web-socket-frame.ts";
import { partsOf, type WebSocketParts } from "../../protocol/web-socket-private.ts";
import { FrameSplitter, type Piece } from "./frame-splitter.ts";

export interface RelayOptions {
  /** Message borders mean something, so a message goes on as one, in fragments (RFC 6455 §5.4) if need be. */
  readonly keepBorders: boolean;
  /** A piece of so many bytes has come. */
  readonly onPiece: (bytes: number) => void;
  /** It has been handed to the operating system. */
  readonly onSent: (bytes: number) => void;
}

/** Before anything is read from `from`. Where `ws` is not as expected nothing happens, and messages come as messages. */
export function relayFrames(from: WebSocket, to: WebSocket, options: RelayOptions): void {
  const [source, sink] = [partsOf(from), partsOf(to)];
  if (source === undefined || sink === undefined) return;
  const splitter = new FrameSplitter(MAX_MESSAGE_BYTES);
  const { receiver } = source;
  const receive = receiver.write.bind(receiver);
  let accepting = true;
  const piece = (arrived: Piece): void => {
    options.onPiece(arrived.payload.length);
    if (to.readyState === OPEN) send(sink, arrived, options);
  };
  const other = (bytes: Buffer): void => {
    accepting = receive(bytes) && accepting;
  };
  receiver.write = (chunk: Buffer): boolean => {
    accepting = true;
    splitter.push(chunk, { piece, other });
    return accepting;
  };
}

function send({ socket }: WebSocketParts, piece: Piece, { keepBorders, onSent }: RelayOptions): void {
  const { payload, room } = piece;
  const { length } = payload;
  if (length === 0 && !keepBorders) return;
  const flags = keepBorders
    ? (piece.last ? FRAME_FLAGS.final : 0) | (piece.first ? FRAME_FLAGS.binary : FRAME_FLAGS.continuation)
    : FRAME_FLAGS.final | FRAME_FLAGS.binary;
  const size = frameHeaderLength(length, false);
  const done = (): void => onSent(length);
  if (room >= size) {
    // The header that it came with makes room for the one that it leaves with: no copy, one write, one TLS record.
    const frame = Buffer.from(payload.buffer, payload.byteOffset - size, size + length);
    writeFrameHeader(frame, 0, length, flags, false);
    socket.write(frame, done);
    return;
  }
  const header = Buffer.allocUnsafe(size);
  writeFrameHeader(header, 0, length, flags, false);
  socket.cork();
  socket.write(header);
  socket.write(payload, done);
  socket.uncork();
}
