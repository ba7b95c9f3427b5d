// Acks and pongs on their way. Each says all that the one before it said, so that one that waits behind another that has not
// left is enough: a peer that asks and asks, and does not read, is owed no more than that.

import type { FrameWriter } from "./frame-writer.ts";

/** Of one connection. */
export class Answers {
  readonly #writer: FrameWriter;
  /** By type of frame: what has not left, and the latest behind it. */
  readonly #leaving = new Map<number, { latest: Buffer | undefined }>();

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** @param frame of `encodeFrame`, an ack or a pong */
  send(frame: Buffer): void {
    const type = frame.readUInt8(0);
    const before = this.#leaving.get(type);
    if (before !== undefined) {
      before.latest = frame;
      return;
    }
    const leaving: { latest: Buffer | undefined } = { latest: undefined };
    this.#leaving.set(type, leaving);
    this.#writer.write([frame], () => {
      this.#leaving.delete(type);
      if (leaving.latest !== undefined) this.send(leaving.latest);
    });
  }
}
