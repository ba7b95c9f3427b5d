// Sends frames on a WebSocket from the memory that they are kept in. Each WebSocket header is written into the room in front of
// its frame, and frames that are adjacent in memory leave in one write.

import { type ByteSocket, OPEN } from "../../web-socket/web-socket.ts";
import { FRAME_FLAGS, frameHeaderLength, writeFrameHeader } from "../../web-socket/web-socket-frame.ts";
import { partsOf, type WebSocketParts } from "../../web-socket/web-socket-private.ts";

export class FrameWriter {
  readonly #socket: ByteSocket;
  /** undefined: frames are sent by the WebSocket itself, which copies them. */
  readonly #parts: WebSocketParts | undefined;

  constructor(socket: ByteSocket) {
    this.#socket = socket;
    const parts = partsOf(socket);
    this.#parts = parts?.mask === "random" ? undefined : parts;
  }

  /**
   * @param frames from `encodeFrame` or `Outgoing`: with room for a header in front of each
   * @param done is called once the last of them was sent, or can no longer be sent
   */
  write(frames: readonly Buffer[], done?: () => void): void {
    if (this.#socket.readyState !== OPEN) return;
    const parts = this.#parts;
    if (parts === undefined) {
      const last = frames.at(-1);
      for (const frame of frames) {
        this.#socket.send(frame, { binary: true }, frame === last ? done : undefined);
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
    const last = runs.at(-1);
    for (const run of runs) {
      const { memory, from, to } = run;
      parts.socket.write(Buffer.from(memory, from, to - from), run === last ? done : undefined);
    }
  }
}
