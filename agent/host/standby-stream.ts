// A stream that the host has dialled in advance. It waits for the gateway to say whom it is for; what the other side sends
// until then is kept, since it comes by another connection than that word.

import type { WebSocket } from "ws";
import { CLOSE } from "../../protocol/errors.ts";
import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../../protocol/limits.ts";

export class StandbyStream {
  readonly #onGone: () => void;
  readonly #early: { readonly data: unknown; readonly isBinary: boolean }[] = [];
  #socket: WebSocket | undefined;
  #release = (): void => undefined;
  #ended = false;
  #taker: ((socket: WebSocket) => void) | undefined;

  constructor(onGone: () => void) {
    this.#onGone = onGone;
  }

  /** An open connection, paused. */
  keep(socket: WebSocket): void {
    this.#socket = socket;
    if (this.#ended) {
      this.end();
      return;
    }
    let heard = Date.now();
    const onPing = (): void => {
      heard = Date.now();
    };
    const onMessage = (data: unknown, isBinary: boolean): void => {
      this.#early.push({ data, isBinary });
      // What the socket had read already still comes.
      socket.pause();
    };
    const watch = setInterval(() => {
      if (Date.now() - heard > DEAD_AFTER_MS) socket.terminate();
    }, PING_INTERVAL_MS);
    const onClose = (): void => {
      this.#release();
      this.#onGone();
    };
    this.#release = () => {
      clearInterval(watch);
      socket.off("ping", onPing);
      socket.off("message", onMessage);
      socket.off("close", onClose);
    };
    socket.on("ping", onPing);
    socket.on("message", onMessage);
    socket.on("close", onClose);
    socket.on("error", () => undefined);
    socket.resume();
    if (this.#taker !== undefined) this.take(this.#taker);
  }

  /** `accept` listens to the socket, and gets what has come as well. */
  take(accept: (socket: WebSocket) => void): void {
    const socket = this.#socket;
    if (socket === undefined) {
      // The gateway has accepted the connection a moment before this end knows.
      this.#taker = accept;
      return;
    }
    this.#release();
    accept(socket);
    for (const { data, isBinary } of this.#early.splice(0)) socket.emit("message", data, isBinary);
  }

  end(): void {
    this.#ended = true;
    this.#release();
    this.#socket?.close(CLOSE.normal);
  }
}
