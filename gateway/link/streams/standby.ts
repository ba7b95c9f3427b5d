// The one stream that a host dials in advance, so that the next client that connects saves a round trip. It
// belongs to no client until it is taken; then the next one is asked for at once.

import type { WebSocket } from "ws";
import { CLOSE } from "../../../protocol/errors.ts";
import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../../../protocol/limits.ts";
import type { StreamToken } from "../../../protocol/values/token.ts";
import { OPEN } from "../../../protocol/web-socket/web-socket.ts";

interface StandbyOptions {
  /** Asks the host for a stream. `socket` settles when the host has dialled. */
  readonly ask: () => { readonly token: StreamToken; readonly socket: Promise<WebSocket> };
}

interface WarmStream {
  /** Names the stream between host and gateway. */
  readonly token: StreamToken;
  /** Paused. */
  readonly socket: WebSocket;
}

/** Between two tries, where the host fails to dial or its streams do not last. */
const RETRY_MS = 5_000;

export class Standby {
  readonly #options: StandbyOptions;
  #ready: { readonly stream: WarmStream; readonly pings: NodeJS.Timeout; heard: number } | undefined;
  #retry: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: StandbyOptions) {
    this.#options = options;
    this.#warm();
  }

  get isReady(): boolean {
    return this.#ready !== undefined;
  }

  /** undefined: there is none, or its host has not answered for too long. */
  take(): WarmStream | undefined {
    const ready = this.#ready;
    if (ready === undefined || ready.stream.socket.readyState !== OPEN) return undefined;
    const fresh = Date.now() - ready.heard < PING_INTERVAL_MS * 1.5;
    this.#forget();
    this.#warm();
    if (fresh) return ready.stream;
    ready.stream.socket.terminate();
    return undefined;
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    const socket = this.#ready?.stream.socket;
    this.#forget();
    socket?.close(CLOSE.goingAway);
  }

  #warm(): void {
    if (this.#ended) return;
    const { token, socket: dialled } = this.#options.ask();
    dialled.then(
      (socket) => this.#keep({ token, socket }),
      // Tried again later; until then the host is asked for each client.
      () => this.#again(),
    );
  }

  #keep(stream: WarmStream): void {
    const { socket } = stream;
    if (this.#ended) {
      socket.close(CLOSE.goingAway);
      return;
    }
    // Read on, so that pongs are heard: a host sends nothing else before it is greeted.
    socket.resume();
    const pings = setInterval(() => {
      if (Date.now() - ready.heard > DEAD_AFTER_MS) socket.terminate();
      else socket.ping();
    }, PING_INTERVAL_MS);
    const ready = { stream, pings, heard: Date.now() };
    this.#ready = ready;
    socket.on("pong", () => {
      ready.heard = Date.now();
    });
    const spoke = (): void => socket.close(CLOSE.protocolError, "nobody has asked");
    socket.on("message", spoke);
    this.#release = () => socket.off("message", spoke);
    socket.once("close", () => {
      if (this.#ready?.stream !== stream) return;
      this.#forget();
      this.#again();
    });
  }

  #release = (): void => undefined;

  #forget(): void {
    clearInterval(this.#ready?.pings);
    this.#ready?.stream.socket.pause();
    this.#release();
    this.#ready = undefined;
  }

  #again(): void {
    clearTimeout(this.#retry);
    if (!this.#ended) this.#retry = setTimeout(() => this.#warm(), RETRY_MS);
  }
}
