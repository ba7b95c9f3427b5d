// Carries what one WebSocket receives to another without assembling messages: each piece goes on as soon as
// it arrives, in the memory that it arrived in. Small pieces that arrive together leave together, so that
// its cost depends on bytes, not on frames. Pings, pongs and close frames stay with their own side.

import type { Writable } from "node:stream";
import type { WebSocket } from "ws";
import { MAX_MESSAGE_BYTES } from "../../protocol/limits.ts";
import { OPEN } from "../../protocol/web-socket/web-socket.ts";
import {
  FRAME_FLAGS,
  frameHeaderLength,
  writeFrameHeader,
} from "../../protocol/web-socket/web-socket-frame.ts";
import { type StandIn, standInFor } from "../../protocol/web-socket/web-socket-pace.ts";
import { partsOf } from "../../protocol/web-socket/web-socket-private.ts";
import { type FrameSink, FrameSplitter, type Piece } from "./frame-splitter.ts";

/** Whose frames are relayed. Called per read and per write. */
export interface RelayOwner {
  readonly from: WebSocket;
  readonly to: WebSocket;
  /** Message borders are kept: each message goes on as one, in fragments (RFC 6455 §5.4) where necessary. */
  readonly keepBorders: boolean;
  /** So many bytes of messages have arrived. */
  arrived(bytes: number): void;
  /** So many bytes are being written to `to`, in one piece. */
  sending(bytes: number): void;
  /** They have been handed to the operating system. */
  sent(bytes: number): void;
}

/**
 * Payloads of at least this many bytes are sent where they lie in memory; shorter ones are moved together.
 */
const LARGE_BYTES = 4 * 1024;
/**
 * The longest payload behind a header of four bytes (RFC 6455 §5.2), for which a client's header always has
 * room.
 */
const MAX_RUN_BYTES = 65_535;

/**
 * To be called before anything is read from `from`. Where the private parts of `ws` are not as expected,
 * nothing happens, and messages arrive as messages.
 * @param owner its WebSockets are paced already
 */
export function relayFrames(owner: RelayOwner): void {
  const [source, sink] = [partsOf(owner.from), partsOf(owner.to)];
  if (source !== undefined && sink !== undefined) new FrameRelay(owner, source.receiver, sink.socket).start();
}

/** Consecutive frames in `memory` or, where borders are not kept, consecutive payloads. */
interface Run {
  readonly memory: ArrayBufferLike;
  readonly from: number;
  to: number;
}

class FrameRelay implements FrameSink, StandIn {
  readonly #splitter = new FrameSplitter(MAX_MESSAGE_BYTES);
  readonly #owner: RelayOwner;
  readonly #receiver: Writable;
  #receive: ReturnType<typeof standInFor>;
  readonly #socket: Writable;
  #accepting = true;
  #run: Run | undefined;
  /** Payload bytes of the chunk that is being pushed; undefined: it has had no piece. */
  #arrived: number | undefined;

  constructor(owner: RelayOwner, receiver: Writable, socket: Writable) {
    this.#owner = owner;
    this.#receiver = receiver;
    this.#socket = socket;
  }

  start(): void {
    this.#receive = standInFor(this.#receiver, this);
  }

  /** Returns whether the next chunk may follow at once. */
  push(chunk: Buffer): boolean {
    this.#accepting = true;
    this.#splitter.push(chunk, this);
    this.#sendRun();
    const arrived = this.#arrived;
    this.#arrived = undefined;
    if (arrived !== undefined) this.#owner.arrived(arrived);
    return this.#accepting;
  }

  other(bytes: Buffer): void {
    // There may be a close frame among them, which must not overtake the pieces before it.
    this.#sendRun();
    this.#accepting = this.#receive?.call(this.#receiver, bytes) === true && this.#accepting;
  }

  piece(piece: Piece): void {
    const { length } = piece.payload;
    this.#arrived = (this.#arrived ?? 0) + length;
    if (this.#owner.to.readyState !== OPEN) return;
    if (length === 0 && !this.#owner.keepBorders) return;
    if (length < LARGE_BYTES && this.#join(piece)) return;
    this.#sendRun();
    this.#sendLarge(piece);
  }

  /** Moves a piece behind those that wait to be sent. Returns false where it has to be sent alone. */
  #join({ payload, room, first, last }: Piece): boolean {
    const { keepBorders } = this.#owner;
    const { buffer: memory, byteOffset, length } = payload;
    const size = keepBorders ? frameHeaderLength(length, false) : 0;
    // Payloads without borders share one header.
    if (room < (keepBorders ? size : frameHeaderLength(MAX_RUN_BYTES, false))) return false;
    let run = this.#run;
    if (run !== undefined && run.to - run.from + size + length > MAX_RUN_BYTES) {
      this.#sendRun();
      run = undefined;
    }
    if (run === undefined) {
      const from = byteOffset - size;
      run = { memory, from, to: from };
      this.#run = run;
    }
    const target = new Uint8Array(memory, run.to, size + length);
    // The payload first: its old position may overlap with the header's new one.
    target.set(payload, size);
    if (keepBorders)
      writeFrameHeader(Buffer.from(memory, run.to, size), 0, length, flagsOf(first, last), false);
    run.to += size + length;
    return true;
  }

  #sendRun(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    const { memory, from, to } = run;
    if (this.#owner.keepBorders) {
      this.#write(compact(Buffer.from(memory, from, to - from)));
      return;
    }
    const size = frameHeaderLength(to - from, false);
    const frame = Buffer.from(memory, from - size, size + to - from);
    writeFrameHeader(frame, 0, to - from, FRAME_FLAGS.final | FRAME_FLAGS.binary, false);
    this.#write(compact(frame));
  }

  #sendLarge({ payload, room, first, last }: Piece): void {
    const { length } = payload;
    const flags = this.#owner.keepBorders ? flagsOf(first, last) : FRAME_FLAGS.final | FRAME_FLAGS.binary;
    const size = frameHeaderLength(length, false);
    if (room >= size) {
      // The new header goes where the old one was: no copy, one write, one TLS record.
      const frame = Buffer.from(payload.buffer, payload.byteOffset - size, size + length);
      writeFrameHeader(frame, 0, length, flags, false);
      this.#write(frame);
      return;
    }
    const header = Buffer.allocUnsafe(size);
    writeFrameHeader(header, 0, length, flags, false);
    if (length < LARGE_BYTES) {
      this.#write(Buffer.concat([header, payload]));
      return;
    }
    this.#socket.cork();
    this.#socket.write(header);
    this.#write(payload);
    this.#socket.uncork();
  }

  #write(bytes: Buffer): void {
    const owner = this.#owner;
    const { length } = bytes;
    owner.sending(length);
    this.#socket.write(bytes, () => owner.sent(length));
  }
}

function flagsOf(first: boolean, last: boolean): number {
  return (last ? FRAME_FLAGS.final : 0) | (first ? FRAME_FLAGS.binary : FRAME_FLAGS.continuation);
}

/** Copies bytes that are a small part of their memory, so that they do not keep all of it while they wait. */
function compact(bytes: Buffer): Buffer {
  return bytes.length * 4 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes;
}
