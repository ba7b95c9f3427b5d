// Sends frames on a WebSocket from the memory that they are kept in: the WebSocket's header goes into the room in front of
// each, and frames that lie next to each other leave in one write.

import { type ByteSocket, OPEN } from "../web-socket.ts";
import { FRAME_FLAGS, frameHeaderLength, writeFrameHeader } from "../web-socket-frame.ts";
import { partsOf, type WebSocketParts } from "../web-socket-private.ts";

export class FrameWriter {
  readonly #socket: ByteSocket;
  /** undefined: frames go the WebSocket's own way, which copies them. */
  readonly #parts: WebSocketParts | undefined;

  constructor(socket: ByteSocket) {
    this.#socket = socket;
    const parts = partsOf(socket);
    this.#parts = parts?.mask === "random" ? undefined : parts;
  }

  /** @param frames of `encodeFrame`: in front of each there is room for a header */
  write(frames: readonly Buffer[]): void {
    const parts = this.#parts;
    if (parts === undefined) {
      for (const frame of frames) {
        if (this.#socket.readyState === OPEN) this.#socket.send(frame, { binary: true });
      }
      return;
    }
    const masked = parts.mask === "zeros";
    let run: { readonly memory: ArrayBufferLike; readonly from: number; to: number } | undefined;
    for (const { buffer: memory, byteOffset, length } of frames) {
      const size = frameHeaderLength(length, masked);
      const from = byteOffset - size;
      writeFrameHeader(
        Buffer.from(memory, from, size),
        0,
        length,
        FRAME_FLAGS.final | FRAME_FLAGS.binary,
        masked,
      );
      if (run !== undefined && run.memory === memory && run.to === from) {
        run.to = byteOffset + length;
      } else {
        if (run !== undefined) parts.socket.write(Buffer.from(run.memory, run.from, run.to - run.from));
        run = { memory, from, to: byteOffset + length };
      }
    }
    if (run !== undefined) parts.socket.write(Buffer.from(run.memory, run.from, run.to - run.from));
  }
}
