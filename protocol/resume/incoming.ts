// What one end of a stream has received: how far it has come, how much of it was handed on to the reader, and when the peer
// has to hear of that. The counterpart of outgoing.ts.

import { type Frame, FrameError } from "./frame.ts";
import type { Position } from "./handshake.ts";
import { ACK_BYTES, ACK_MS, ACKS_IN_WINDOW } from "./limits.ts";

export class Incoming {
  readonly #window: number;
  readonly #ackBytes: number;
  /** The offset of the next byte that is expected. */
  #received = 0;
  /** The offset behind the last byte that the reader has taken; behind the end, once that was handed on too. */
  #consumed = 0;
  /** What the last ack said. */
  #acked = 0;
  #isFinished = false;
  /** When the ack that is owed has to be sent; undefined: none is owed. */
  ackBy: number | undefined;

  /** @param window how many bytes are accepted before they were handed on */
  constructor(window: number) {
    this.#window = window;
    this.#ackBytes = Math.min(ACK_BYTES, Math.floor(window / ACKS_IN_WINDOW));
  }

  /** For a handshake. */
  get position(): Position {
    return { received: this.#received, window: this.#window };
  }

  /** What the ack of a frame says. */
  get consumed(): number {
    return this.#consumed;
  }

  /** The peer writes nothing more. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Everything was handed on, the end included. */
  get isDone(): boolean {
    return this.#isFinished && this.#consumed === this.#received;
  }

  /**
   * Takes a DATA frame.
   * @returns the bytes that have not come before; undefined: all of them have
   * @throws FrameError if they leave a gap, come behind the end, or exceed the window
   */
  takeData({ offset, payload }: Frame, now: number): Buffer | undefined {
    if (offset > this.#received) throw new FrameError("a gap");
    if (offset + payload.length <= this.#received) {
      // Sent again, since the ack was lost with its connection.
      this.ackBy = now;
      return undefined;
    }
    if (this.#isFinished) throw new FrameError("data behind the end");
    const fresh = payload.subarray(this.#received - offset);
    this.#received += fresh.length;
    if (this.#received - this.#consumed > this.#window + ACK_BYTES) {
      throw new FrameError("more than the window");
    }
    return fresh;
  }

  /**
   * Takes a FIN frame.
   * @returns false if it has come before
   * @throws FrameError if it is not where the data ends
   */
  takeFin({ offset }: Frame, now: number): boolean {
    if (this.#isFinished && offset === this.#received - 1) {
      this.ackBy = now;
      return false;
    }
    if (this.#isFinished || offset !== this.#received) throw new FrameError("an end where none can be");
    this.#isFinished = true;
    this.#received = offset + 1;
    return true;
  }

  /**
   * The reader has taken `bytes` more; with them, or after them, it has seen the end if that has come.
   * @returns whether an ack is due now; otherwise `ackBy` says when
   */
  handOn(bytes: number, now: number): boolean {
    this.#consumed += bytes;
    const isAtEnd = this.#isFinished && this.#consumed === this.#received - 1;
    if (isAtEnd) this.#consumed = this.#received;
    if (this.#consumed === this.#acked) return false;
    if (isAtEnd || this.#consumed - this.#acked >= this.#ackBytes) return true;
    this.ackBy ??= now + ACK_MS;
    return false;
  }

  /** A frame with the latest ack is on its way. */
  acknowledged(): void {
    this.#acked = this.#consumed;
    this.ackBy = undefined;
  }
}
