// A stream that the host has dialled in advance. It waits until the gateway names the client that it is for. The client's
// first bytes come over this stream and that message over the control connection, so either may arrive first.

import type { WebSocket } from "ws";
import { CLOSE } from "../../../protocol/errors.ts";
import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../../../protocol/limits.ts";

/** Listens to the socket, and gets what arrived earlier as well. */
type Accept = (socket: WebSocket) => void;

type State =
  | { readonly kind: "dialling" }
  /** The gateway has accepted the connection, and named its client, before this end knows that it is open. */
  | { readonly kind: "taken-early"; readonly accept: Accept }
  | { readonly kind: "waiting"; readonly socket: WebSocket; readonly stopWaiting: () => void }
  /** Handed on, or closed. */
  | { readonly kind: "over" };

export class StandbyStream {
  readonly #onGone: () => void;
  readonly #early: { readonly data: unknown; readonly isBinary: boolean }[] = [];
  #state: State = { kind: "dialling" };

  /** `onGone` is called where the connection is lost while it waits. */
  constructor(onGone: () => void) {
    this.#onGone = onGone;
  }

  /** `socket` is open and paused. */
  keep(socket: WebSocket): void {
    const state = this.#state;
    // Failures end in "close", which is what counts here.
    socket.on("error", () => undefined);
    if (state.kind === "over") {
      socket.close(CLOSE.normal);
      return;
    }
    this.#state = { kind: "waiting", socket, stopWaiting: this.#wait(socket) };
    socket.resume();
    if (state.kind === "taken-early") this.take(state.accept);
  }

  take(accept: Accept): void {
    const state = this.#state;
    if (state.kind === "dialling") this.#state = { kind: "taken-early", accept };
    if (state.kind !== "waiting") return;
    this.#state = { kind: "over" };
    state.stopWaiting();
    accept(state.socket);
    for (const { data, isBinary } of this.#early.splice(0)) state.socket.emit("message", data, isBinary);
  }

  end(): void {
    const state = this.#state;
    this.#state = { kind: "over" };
    if (state.kind !== "waiting") return;
    state.stopWaiting();
    state.socket.close(CLOSE.normal);
  }

  /** Keeps what arrives, and ends the connection when it is silent for too long. Returns how to stop that. */
  #wait(socket: WebSocket): () => void {
    let lastHeard = Date.now();
    const onPing = (): void => {
      lastHeard = Date.now();
    };
    const onMessage = (data: unknown, isBinary: boolean): void => {
      this.#early.push({ data, isBinary });
      // What the socket has read already still comes.
      socket.pause();
    };
    const watch = setInterval(() => {
      if (Date.now() - lastHeard > DEAD_AFTER_MS) socket.terminate();
    }, PING_INTERVAL_MS);
    const stopWaiting = (): void => {
      clearInterval(watch);
      socket.off("ping", onPing);
      socket.off("message", onMessage);
      socket.off("close", onClose);
    };
    const onClose = (): void => {
      stopWaiting();
      this.#state = { kind: "over" };
      this.#onGone();
    };
    socket.on("ping", onPing);
    socket.on("message", onMessage);
    socket.on("close", onClose);
    return stopWaiting;
  }
}
