// A worker's line to the primary: messages both ways, some of them with a connection.

import { Socket } from "node:net";
import { type FromPrimary, type FromWorker, parseFromPrimary } from "./messages.ts";

export interface Channel {
  send(message: FromWorker): void;
  /** Gives a connection away; it is closed here once it is there. */
  sendSocket(message: FromWorker, socket: Socket): void;
  /** A socket that comes with a message is the listeners': one that nobody wants is closed by its peer. */
  onMessage(listener: (message: FromPrimary, socket: Socket | undefined) => void): void;
}

/** @param failed is called with what a message or a listener throws */
export function openChannel(process: NodeJS.Process, failed: (error: unknown) => void): Channel {
  const listeners: ((message: FromPrimary, socket: Socket | undefined) => void)[] = [];
  process.on("message", (value: unknown, handle: unknown) => {
    const socket = handle instanceof Socket ? handle : undefined;
    // Whoever it is from may be gone before anybody listens.
    socket?.on("error", () => socket.destroy());
    try {
      const message = parseFromPrimary(value);
      for (const listener of listeners) listener(message, socket);
    } catch (error) {
      socket?.destroy();
      failed(error);
    }
  });
  return {
    // Without a primary this process ends at once (node's cluster module sees to it): nothing is left to report.
    send: (message) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
    },
    sendSocket: (message, socket) => {
      if (process.connected) process.send?.(message, socket, undefined, () => socket.destroy());
      else socket.destroy();
    },
    onMessage: (listener) => {
      listeners.push(listener);
    },
  };
}

/** Pairs questions with the answers that come back for them. */
export class Questions<T> {
  readonly #waiting = new Map<number, (answer: T) => void>();
  #last = 0;

  /**
   * @param send sends the question with this number
   * @param late the answer where none comes within `ms`
   */
  ask(send: (request: number) => void, late?: { readonly ms: number; readonly answer: T }): Promise<T> {
    const request = ++this.#last;
    return new Promise((resolve) => {
      const timer =
        late === undefined ? undefined : setTimeout(() => this.answer(request, late.answer), late.ms);
      this.#waiting.set(request, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      send(request);
    });
  }

  answer(request: number, answer: T): void {
    const resolve = this.#waiting.get(request);
    this.#waiting.delete(request);
    resolve?.(answer);
  }
}
