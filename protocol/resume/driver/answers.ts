// Acks and pongs that are being sent. Each makes the previous one of its type unnecessary, so at most one per type is being sent
// and one waits behind it, however much a peer asks for without reading.

import type { FrameWriter } from "./frame-writer.ts";

/** The answers on one connection. */
export class Answers {
  readonly #writer: FrameWriter;
  /** By frame type, if one has not left yet: the latest that waits behind it. */
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
