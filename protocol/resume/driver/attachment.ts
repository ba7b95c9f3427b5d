// The WebSocket that a resumable stream is attached to at the moment: how frames are written to it, and how it is let go.

import { CLOSE } from "../../errors.ts";
import { type ByteSocket, OPEN } from "../../web-socket/web-socket.ts";
import { WINDOW_MAX } from "../limits.ts";
import { Answers } from "./answers.ts";
import { FrameWriter } from "./frame-writer.ts";

/** More than everything that can be unacknowledged: a socket that holds this much does not send. */
const MAX_UNSENT = 2 * WINDOW_MAX;

export class Attachment {
  readonly socket: ByteSocket;
  readonly #writer: FrameWriter;
  readonly #answers: Answers;

  constructor(socket: ByteSocket) {
    this.socket = socket;
    this.#writer = new FrameWriter(socket);
    this.#answers = new Answers(this.#writer);
  }

  send(frames: readonly Buffer[]): void {
    const { socket } = this;
    if (socket.readyState !== OPEN) return;
    // Each thing that waits has a bound of its own. This one is for what nobody has thought of.
    if (socket.bufferedAmount > MAX_UNSENT) socket.terminate();
    else this.#writer.write(frames);
  }

  /** @param frame an ack or a pong */
  answer(frame: Buffer): void {
    this.#answers.send(frame);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    if (this.socket.isPaused) this.socket.resume();
  }

  /** Closes the WebSocket. With CLOSE.timeout it is cut instead: one that is dead does not answer a close frame. */
  end(code: number, reason: string): void {
    this.resume();
    if (code === CLOSE.timeout) this.socket.terminate();
    else this.socket.close(code, reason);
  }
}
