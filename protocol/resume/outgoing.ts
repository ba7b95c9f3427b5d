// What one end of a stream has sent and the peer has not acknowledged. It is kept as the frames that carried it, so that a new
// connection can send them again as they are, and bounded by a window that grows with the measured bandwidth-delay product.

import { encodeFrame, encodeHeader, FRAME, HEADER_BYTES, memoryForFrame, renewAck } from "./frame.ts";
import {
  ACK_BYTES,
  MAX_PAYLOAD,
  WINDOW,
  WINDOW_MAX,
  WINDOW_MIN,
  WINDOW_UNTOLD,
  WRITE_BYTES,
} from "./limits.ts";

/** Counts the memory that the streams of one process keep. */
export class ByteBudget {
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get isSpent(): boolean {
    return this.#used >= this.limit;
  }

  add(bytes: number): void {
    this.#used += bytes;
  }
}

/** What a kept frame costs besides its bytes: a sender of single bytes must not fill the memory with frames. */
const FRAME_COST = 256;

interface Sent {
  readonly frame: Buffer;
  /** The offset after this frame. */
  readonly end: number;
  /** Memory to reuse once this frame, the last one in it, is acknowledged. */
  memory?: Buffer | undefined;
}

/** A piece of memory holds the frames of WRITE_BYTES. */
const PIECE_BYTES = (WRITE_BYTES / MAX_PAYLOAD) * memoryForFrame(MAX_PAYLOAD);
const MAX_SPARE_PIECES = 16;

export class Outgoing {
  readonly #budget: ByteBudget;
  /** From `#first` on, the frames that are not fully acknowledged; those before it are gone. */
  readonly #frames: (Sent | undefined)[] = [];
  #first = 0;
  /**
   * Pieces of memory to reuse, kept while frames are unacknowledged. New pieces each time would make V8 collect all garbage over
   * and over: it does so for every 64 MiB of them.
   */
  readonly #spare: Buffer[] = [];
  /** The next frame to send on the attached connection. */
  #next = 0;
  #acked = 0;
  #end = 0;
  #finished = false;
  /** What the kept frames cost in memory, in bytes. */
  #held = 0;
  #window = WINDOW;
  #peerWindow = WINDOW_UNTOLD;
  /** A round trip that is being measured. `full`: its frame filled the window, so the trip covers as much as the window allows. */
  #sample:
    | { readonly end: number; readonly at: number; readonly acked: number; readonly full: boolean }
    | undefined;
  #roundTrip: number | undefined;
  #shortest = Number.POSITIVE_INFINITY;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  get acked(): number {
    return this.#acked;
  }

  get end(): number {
    return this.#end;
  }

  get unacknowledged(): number {
    return this.#end - this.#acked;
  }

  get isFinished(): boolean {
    return this.#finished;
  }

  /** Everything that was written, and the end, has arrived and was handed on. */
  get isDone(): boolean {
    return this.#finished && this.#acked === this.#end;
  }

  /** Milliseconds from a byte to its ack, by the latest measurement. */
  get roundTripMs(): number | undefined {
    return this.#roundTrip;
  }

  get hasRoom(): boolean {
    const own = this.#budget.isSpent ? WINDOW_MIN : this.#window;
    return this.#held < own && this.unacknowledged < this.#peerWindow;
  }

  setPeerWindow(bytes: number): void {
    this.#peerWindow = Math.max(1, bytes);
  }

  /** Makes frames of all the chunks. */
  write(chunks: readonly Uint8Array[], ack: number): void {
    let left = 0;
    for (const chunk of chunks) left += chunk.length;
    // One piece of memory for all frames, since they are acknowledged at about the same time.
    const full = memoryForFrame(MAX_PAYLOAD) * Math.floor(left / MAX_PAYLOAD);
    const rest = left % MAX_PAYLOAD;
    const size = full + (rest === 0 ? 0 : memoryForFrame(rest));
    const isPiece = size <= PIECE_BYTES && size > PIECE_BYTES / 2;
    const memory = isPiece
      ? (this.#spare.pop() ?? Buffer.allocUnsafe(PIECE_BYTES))
      : Buffer.allocUnsafe(size);
    const source = new Gathering(chunks);
    for (let used = 0; left > 0; ) {
      const length = Math.min(left, MAX_PAYLOAD);
      left -= length;
      used += memoryForFrame(length);
      const frame = memory.subarray(used - HEADER_BYTES - length, used);
      encodeHeader(frame, FRAME.data, ack, this.#end);
      source.fill(frame.subarray(HEADER_BYTES));
      this.#keep(frame, length, isPiece && left === 0 ? memory : undefined);
    }
  }

  finish(ack: number): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#keep(encodeFrame(FRAME.fin, ack, this.#end), 1);
  }

  #keep(frame: Buffer, length: number, memory?: Buffer): void {
    this.#end += length;
    this.#frames.push({ frame, end: this.#end, memory });
    this.#hold(frame.length + FRAME_COST);
  }

  #hold(bytes: number): void {
    this.#held += bytes;
    this.#budget.add(bytes);
  }

  /** The next frame that was not sent on this connection; undefined: there is none. */
  take(ack: number, now: number): Buffer | undefined {
    const sent = this.#frames[this.#next];
    if (sent === undefined) return undefined;
    this.#next++;
    renewAck(sent.frame, ack);
    const full = this.#next === this.#frames.length && !this.hasRoom;
    if (this.#sample === undefined || (full && !this.#sample.full)) {
      // The ack of the last bytes may be delayed to cover more of them; an earlier ack tells as much.
      const early = full ? Math.min(ACK_BYTES, (sent.end - this.#acked) / 2) : 0;
      this.#sample = { end: sent.end - early, at: now, acked: this.#acked, full };
    }
    return sent.frame;
  }

  /** Starts again on a new connection, whose peer expects `received` next. Returns false if that cannot be. */
  rewind(received: number): boolean {
    if (received < this.#acked || received > this.#end) return false;
    this.#next = this.#first;
    for (let sent = this.#frames[this.#next]; sent !== undefined && sent.end <= received; ) {
      sent = this.#frames[++this.#next];
    }
    // The previous connection may still have to send some of these, so their memory is not reused.
    for (const sent of this.#frames) if (sent !== undefined) sent.memory = undefined;
    this.#sample = undefined;
    return true;
  }

  /** Returns false for an ack of more than was sent. */
  acknowledge(ack: number, now: number): boolean {
    if (ack > this.#end) return false;
    if (ack <= this.#acked) return true;
    this.#acked = ack;
    for (let sent = this.#frames[this.#first]; sent !== undefined && sent.end <= ack; ) {
      this.#hold(-(sent.frame.length + FRAME_COST));
      if (sent.memory !== undefined && this.#spare.length < MAX_SPARE_PIECES) this.#spare.push(sent.memory);
      this.#frames[this.#first] = undefined;
      sent = this.#frames[++this.#first];
    }
    if (this.#next < this.#first) this.#next = this.#first;
    if (this.#first === this.#frames.length) this.#spare.length = 0;
    this.#compact();
    this.#measure(ack, now);
    return true;
  }

  /** Drops everything. */
  discard(): void {
    this.#hold(-this.#held);
    this.#frames.length = 0;
    this.#spare.length = 0;
    this.#first = 0;
    this.#next = 0;
  }

  #compact(): void {
    if (this.#first < 64 || this.#first * 2 < this.#frames.length) return;
    this.#frames.splice(0, this.#first);
    this.#next -= this.#first;
    this.#first = 0;
  }

  /** With a window of twice the bandwidth-delay product, the network is the limit rather than the window. */
  #measure(ack: number, now: number): void {
    const sample = this.#sample;
    if (sample === undefined || ack < sample.end) return;
    this.#sample = undefined;
    const took = Math.max(now - sample.at, 0.01);
    this.#roundTrip = took;
    this.#shortest = Math.min(this.#shortest, took);
    if (!sample.full || this.#budget.isSpent) return;
    const product = ((ack - sample.acked) / took) * this.#shortest;
    this.#window = Math.min(WINDOW_MAX, Math.max(this.#window, 2 * product));
  }
}

/** Reads chunks as one run of bytes. */
class Gathering {
  readonly #chunks: readonly Uint8Array[];
  #chunk = 0;
  #at = 0;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
  }

  /** @throws RangeError if fewer bytes are left */
  fill(target: Uint8Array): void {
    for (let filled = 0; filled < target.length; ) {
      const chunk = this.#chunks[this.#chunk];
      if (chunk === undefined) throw new RangeError("fewer bytes than said");
      const part = chunk.subarray(this.#at, this.#at + target.length - filled);
      target.set(part, filled);
      filled += part.length;
      this.#at += part.length;
      if (this.#at === chunk.length) {
        this.#chunk++;
        this.#at = 0;
      }
    }
  }
}
