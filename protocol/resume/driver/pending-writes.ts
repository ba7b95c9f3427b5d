// Bytes that a writer has handed over and that are in no frame yet. They are sent in full frames, as far as there is room.

import { MAX_PAYLOAD, WRITE_BYTES } from "../limits.ts";

export interface FrameSink {
  readonly hasRoom: boolean;
  /** Makes frames of these chunks. */
  send(chunks: readonly Uint8Array[]): void;
}

export class PendingWrites {
  readonly #sink: FrameSink;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** The pending write's callback; undefined once the writer has been told that it is done. */
  #done: (() => void) | undefined;
  /** Sends the rest if nothing comes that fills its frame. */
  #restTimer: NodeJS.Immediate | undefined;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** @param done may be called before this returns */
  write(chunks: readonly { readonly chunk: Uint8Array }[], done: () => void): void {
    for (const { chunk } of chunks) {
      if (chunk.length > 0) this.#chunks.push(chunk);
      this.#bytes += chunk.length;
    }
    this.#done = done;
    this.#goOn();
  }

  /** To be called when there is room to send. */
  hasRoom(): void {
    if (this.#restTimer === undefined) this.#goOn();
  }

  /** Sends the rest that waits for its frame to be filled. */
  writeRest(): void {
    clearImmediate(this.#restTimer);
    this.#restTimer = undefined;
    if (this.#done === undefined && this.#bytes > 0) this.#sink.send(this.#take(this.#bytes));
  }

  clear(): void {
    clearImmediate(this.#restTimer);
    this.#restTimer = undefined;
    this.#chunks = [];
    this.#bytes = 0;
    this.#done = undefined;
  }

  #goOn(): void {
    for (let first = true; this.#bytes > 0; first = false) {
      if (!this.#sink.hasRoom) return;
      const full = this.#bytes - (this.#bytes % MAX_PAYLOAD);
      if (full === 0 && !first) {
        this.#keepRest();
        break;
      }
      this.#sink.send(this.#take(Math.min(WRITE_BYTES, full || this.#bytes)));
    }
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }

  /**
   * The rest of a long write does not fill a frame, and usually more follows at once: a read of a socket is a little longer than
   * the frames made of it. A small frame costs as much as a full one, so the rest waits for the end of this turn's reads.
   */
  #keepRest(): void {
    // Copied, since the memory is the writer's, and the writer is told that its write is done.
    this.#chunks = this.#chunks.map((chunk) => Uint8Array.from(chunk));
    this.#restTimer ??= setImmediate(() => {
      this.#restTimer = undefined;
      // A write may have come in the meantime, and room for it, which is not reported again.
      this.#goOn();
    });
  }

  /** Removes and returns the first `length` bytes. */
  #take(length: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    for (let left = length; left > 0; ) {
      const chunk = this.#chunks.shift();
      if (chunk === undefined) break;
      const part = chunk.subarray(0, left);
      if (part.length < chunk.length) this.#chunks.unshift(chunk.subarray(part.length));
      taken.push(part);
      left -= part.length;
    }
    this.#bytes -= length;
    return taken;
  }
}
