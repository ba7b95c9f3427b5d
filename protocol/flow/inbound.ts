// A queue in front of a stream's reader. Bytes wait here rather than in the stream's own buffer, where a small piece costs as
// much memory as a large one: small pieces that wait here are joined, so that they cost what they add up to.

import type { Duplex } from "node:stream";

/** Pieces shorter than this are joined. */
const SMALL = 1024;
const BLOCK_BYTES = 8 * 1024;

export class Inbound {
  readonly #stream: Duplex;
  readonly #taken: (bytes: number) => void;
  readonly #pieces: Buffer[] = [];
  /** The memory of the last piece, if there is room for more behind it. */
  #block: Buffer | undefined;
  #bytes = 0;
  #isPumping = false;
  /** The end has come, but the stream was not told: what waits here goes first. */
  #isEnding = false;

  /**
   * @param stream its `read` has to call `pump`
   * @param taken is called with the number of bytes that the stream was given
   * @param read is called when the stream's reader has asked for more
   */
  constructor(stream: Duplex, taken: (bytes: number) => void, read?: () => void) {
    this.#stream = stream;
    this.#taken = taken;
    // The stream asks for more once, and then not again until it was given some. A reader that empties its buffer shows here.
    const original = stream.read;
    stream.read = (size?: number): unknown => {
      const data: unknown = original.call(stream, size);
      this.pump(size);
      read?.();
      return data;
    };
  }

  /** How many bytes wait here. */
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
   * Gives the stream as much as it takes.
   * @param wanted how many bytes a reader waits for at once
   */
  pump(wanted = 0): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    let taken = 0;
    for (;;) {
      const { readableLength, readableHighWaterMark } = this.#stream;
      const [next] = this.#pieces;
      if (next === undefined || readableLength >= readableHighWaterMark) break;
      // While the stream has others, a small piece waits to be joined with more.
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

  /** Drops what waits here. Returns how many bytes that was. */
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
