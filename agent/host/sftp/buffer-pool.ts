// Large buffers that packets use again: a fresh one per packet would cost a page fault per 4 KiB, and time of the garbage
// collector.

/** Smaller packets get a buffer of their own: it is cheap to make, and a large one would be wasted on them. */
const SMALLEST_BYTES = 16 * 1024;

export class BufferPool {
  readonly #size: number;
  readonly #keep: number;
  readonly #free: Buffer[] = [];
  /** Weak, so that a buffer that is never given back is collected like any other. */
  readonly #lent = new WeakMap<ArrayBufferLike, Buffer>();

  /** Buffers of `size` bytes, of which at most `keep` are kept while unused. */
  constructor(size: number, keep: number) {
    this.#size = size;
    this.#keep = keep;
  }

  /** A buffer of `length` bytes with arbitrary content. */
  take(length: number): Buffer {
    if (length < SMALLEST_BYTES || length > this.#size) return Buffer.allocUnsafe(length);
    const whole = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
    this.#lent.set(whole.buffer, whole);
    return whole.subarray(0, length);
  }

  /** Gives back a buffer of `take`, or a part of one; it must not be used any more. Other buffers are left alone. */
  giveBack(buffer: Buffer): void {
    const whole = this.#lent.get(buffer.buffer);
    if (whole === undefined) return;
    this.#lent.delete(buffer.buffer);
    if (this.#free.length < this.#keep) this.#free.push(whole);
  }
}
