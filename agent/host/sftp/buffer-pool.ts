// Large buffers for packets, used again and again: making a fresh one for each packet costs the system a page fault
// for every 4 KiB and the collector its time.

/** Smaller ones are cheap to make, and would hold a large one for nothing. */
const SMALLEST = 16 * 1024;

export class BufferPool {
  readonly #size: number;
  readonly #keep: number;
  readonly #free: Buffer[] = [];
  /** Weak: a buffer that is never given back goes to the collector as any other does. */
  readonly #lent = new WeakMap<ArrayBufferLike, Buffer>();

  /** Buffers of `size` bytes, of which at most `keep` are kept while unused. */
  constructor(size: number, keep: number) {
    this.#size = size;
    this.#keep = keep;
  }

  /** A buffer of `length` bytes with anything in it. */
  take(length: number): Buffer {
    if (length < SMALLEST || length > this.#size) return Buffer.allocUnsafe(length);
    const whole = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
    this.#lent.set(whole.buffer, whole);
    return whole.subarray(0, length);
  }

  /** Gives back what `take` gave, or a part of it. Nobody may look at it any more. Other buffers are left alone. */
  giveBack(buffer: Buffer): void {
    const whole = this.#lent.get(buffer.buffer);
    if (whole === undefined) return;
    this.#lent.delete(buffer.buffer);
    if (this.#free.length < this.#keep) this.#free.push(whole);
  }
}
