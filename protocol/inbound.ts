// What comes for the reader of a stream, in order. Bytes wait here and not in the stream's own buffer, where each piece of them
// costs as much as a large one: small pieces that wait are put together, so that they cost what they add up to.

import type { Duplex } from "node:stream";

/** Pieces shorter than this are copied together. */
const SMALL = 1024;
const BLOCK_BYTES = 8 * 1024;

export class Inbound {
  readonly #stream: Duplex;
  readonly #taken: (bytes: number) => void;
  readonly #pieces: Buffer[] = [];
  /** The last of the pieces has room for more, in the memory behind it. */
  #block: Buffer | undefined;
  #bytes = 0;
  #isPumping = false;
  /** The end has come, and the stream has not been told: what waits here comes first. */
  #isEnding = false;

  /**
   * @param stream whose `read` calls `pump`
   * @param taken told of bytes that the stream has got
   * @param read told that its reader has looked for more
   */
  constructor(stream: Duplex, taken: (bytes: number) => void, read?: () => void) {
    this.#stream = stream;
    this.#taken = taken;
    // The stream asks for more once, and is silent until it has got some: that its buffer is empty shows here.
    const original = stream.read;
    stream.read = (size?: number): unknown => {
      const data: unknown = original.call(stream, size);
      this.pump(size);
      read?.();
      return data;
    };
  }

  /** Bytes that wait here. */
  get waiting(): number {
    return this.#bytes;
  }

  push(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (bytes.length >= SMALL || this.#pieces.length === 0) {
      this.#block = undefined;
      this.#pieces.push(bytes);
    } else this.#append(bytes);
    this.pump();
  }

  /**
   * Gives the stream what it takes.
   * @param wanted a reader waits for so many bytes together
   */
  pump(wanted = 0): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    let taken = 0;
    for (;;) {
      const { readableLength, readableHighWaterMark } = this.#stream;
      const [next] = this.#pieces;
      if (next === undefined || readableLength >= readableHighWaterMark) break;
      // Behind others a small piece waits for more of its kind.
      if (readableLength > 0 && readableLength >= wanted && next.length < SMALL) break;
      this.#pieces.shift();
      if (this.#pieces.length === 0) this.#block = undefined;
      this.#bytes -= next.length;
      taken += next.length;
      this.#stream.push(next);
    }
    this.#isPumping = false;
    if (taken === 0) return;
    this.#taken(taken);
    this.#endStream();
  }

  /** Nothing more comes: ends the stream once it has been given everything that waits here. */
  end(): void {
    this.#isEnding = true;
    this.#endStream();
  }

  #endStream(): void {
    if (!this.#isEnding || this.#bytes > 0) return;
    this.#isEnding = false;
    if (!this.#stream.destroyed) this.#stream.push(null);
  }

  /** Lets go of what waits. Returns how much it was. */
  clear(): number {
    const bytes = this.#bytes;
    this.#pieces.length = 0;
    this.#block = undefined;
    this.#bytes = 0;
    return bytes;
  }

  #append(bytes: Buffer): void {
    const last = this.#pieces.at(-1);
    if (last !== undefined && this.#block !== undefined) {
      const { length } = last;
      if (length + bytes.length <= this.#block.length) {
        this.#block.set(bytes, length);
        this.#pieces[this.#pieces.length - 1] = this.#block.subarray(0, length + bytes.length);
        return;
      }
    }
    const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    block.set(bytes);
    this.#block = block;
    this.#pieces.push(block.subarray(0, bytes.length));
  }
}
