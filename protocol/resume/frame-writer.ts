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
    const flags = FRAME_FLAGS.final | FRAME_FLAGS.binary;
    const runs: { readonly memory: ArrayBufferLike; readonly from: number; to: number }[] = [];
    for (const { buffer: memory, byteOffset, length } of frames) {
      const size = frameHeaderLength(length, masked);
      const from = byteOffset - size;
      const to = byteOffset + length;
      writeFrameHeader(Buffer.from(memory, from, size), 0, length, flags, masked);
      const last = runs.at(-1);
      if (last?.memory === memory && last.to === from) last.to = to;
      else runs.push({ memory, from, to });
    }
    for (const { memory, from, to } of runs) parts.socket.write(Buffer.from(memory, from, to - from));
  }
}
