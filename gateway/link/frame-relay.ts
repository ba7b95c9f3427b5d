// Carries what one WebSocket receives to another without making messages of it in between: each piece goes on as soon as
// it is there, in the memory that it arrived in. Pings, pongs and close frames stay with their own side.

import type { Writable } from "node:stream";
import type { WebSocket } from "ws";
import { MAX_MESSAGE_BYTES } from "../../protocol/limits.ts";
import { OPEN } from "../../protocol/web-socket.ts";
import { FRAME_FLAGS, frameHeaderLength, writeFrameHeader } from "../../protocol/web-socket-frame.ts";
import { partsOf } from "../../protocol/web-socket-private.ts";
import { type FrameSink, FrameSplitter, type Piece } from "./frame-splitter.ts";

/** Whoever has frames relayed. */
export interface RelayOwner {
  readonly from: WebSocket;
  readonly to: WebSocket;
  /** Message borders mean something, so a message goes on as one, in fragments (RFC 6455 §5.4) if need be. */
  readonly keepBorders: boolean;
  /** A piece of so many bytes has come. */
  arrived(bytes: number): void;
  /** It has been handed to the operating system. */
  sent(bytes: number): void;
}

/** By the receiver that each stands in front of. A table and no closures: thousands of tunnels are idle. */
const relays = new WeakMap<Writable, FrameRelay>();

/** Before anything is read from `from`. Where `ws` is not as expected nothing happens, and messages come as messages. */
export function relayFrames(owner: RelayOwner): void {
  const [source, sink] = [partsOf(owner.from), partsOf(owner.to)];
  if (source === undefined || sink === undefined) return;
  const { receiver } = source;
  relays.set(receiver, new FrameRelay(owner, receiver, sink.socket));
  receiver.write = relay;
}

function relay(this: Writable, chunk: Buffer): boolean {
  return relays.get(this)?.push(chunk) ?? true;
}

class FrameRelay implements FrameSink {
  readonly #splitter = new FrameSplitter(MAX_MESSAGE_BYTES);
  readonly #owner: RelayOwner;
  readonly #receiver: Writable;
  /** The receiver's own. */
  readonly #receive: (chunk: Buffer) => boolean;
  readonly #socket: Writable;
  #accepting = true;

  constructor(owner: RelayOwner, receiver: Writable, socket: Writable) {
    this.#owner = owner;
    this.#receiver = receiver;
    this.#receive = receiver.write;
    this.#socket = socket;
  }

  /** Whether more may come at once. */
  push(chunk: Buffer): boolean {
    this.#accepting = true;
    this.#splitter.push(chunk, this);
    return this.#accepting;
  }

  other(bytes: Buffer): void {
    this.#accepting = this.#receive.call(this.#receiver, bytes) && this.#accepting;
  }

  piece(arrived: Piece): void {
    this.#owner.arrived(arrived.payload.length);
    if (this.#owner.to.readyState === OPEN) send(this.#socket, arrived, this.#owner);
  }
}

function send(socket: Writable, piece: Piece, owner: RelayOwner): void {
  const { payload, room } = piece;
  const { length } = payload;
  if (length === 0 && !owner.keepBorders) return;
  const flags = owner.keepBorders
    ? (piece.last ? FRAME_FLAGS.final : 0) | (piece.first ? FRAME_FLAGS.binary : FRAME_FLAGS.continuation)
    : FRAME_FLAGS.final | FRAME_FLAGS.binary;
  const size = frameHeaderLength(length, false);
  const done = (): void => owner.sent(length);
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
