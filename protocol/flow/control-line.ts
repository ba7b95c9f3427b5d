// One end of a control connection. It bounds what waits for a peer that does not read, and how many messages a peer may send
// unasked: JSON costs more to read than to send.

import { ProtocolError } from "../errors.ts";
import { WAITING_MESSAGE_BYTES } from "../limits.ts";
import { OPEN } from "../web-socket/web-socket.ts";

/** The part of a WebSocket that this needs. */
export interface ControlSocket {
  readonly readyState: number;
  send(text: string, done: (error?: Error) => void): void;
  pause(): void;
  terminate(): void;
}

export interface ControlLineOptions {
  /** How much may wait to be sent, in bytes of memory: WAITING_MESSAGE_BYTES per message count as well. */
  readonly maxWaiting: number;
  /** How many messages the peer may send at once without having been sent any. */
  readonly burst: number;
  /** How many more per second. */
  readonly perSecond: number;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/** A longer message counts once for each begun multiple of this. */
const BYTES_OF_ONE = 4 * 1024;
/** How long the close frame has to arrive (ms). */
const LAST_WORD_MS = 2_000;

/** Types whose messages all say the same: one that waits to be sent is enough. */
const REPEATABLE: ReadonlySet<string> = new Set(["ping", "pong"]);

export class ControlLine<Message extends { readonly type: string }> {
  readonly #socket: ControlSocket;
  readonly #options: ControlLineOptions;
  readonly #now: () => number;
  /** By type, repeatable messages that have not left; the value: whether one more has to follow. */
  readonly #leaving = new Map<string, boolean>();
  #waiting = 0;
  #credit: number;
  #creditAt: number;

  constructor(socket: ControlSocket, options: ControlLineOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#credit = options.burst;
    this.#creditAt = this.#now();
  }

  /** Returns false if the peer does not read what it is sent; the connection is cut then. */
  send(message: Message): boolean {
    const socket = this.#socket;
    if (socket.readyState !== OPEN) return true;
    const { type } = message;
    const isRepeatable = REPEATABLE.has(type);
    if (isRepeatable && this.#leaving.has(type)) {
      this.#leaving.set(type, true);
      return true;
    }
    const text = JSON.stringify(message);
    const cost = text.length + WAITING_MESSAGE_BYTES;
    if (this.#waiting + cost > this.#options.maxWaiting) {
      socket.terminate();
      return false;
    }
    this.#waiting += cost;
    if (isRepeatable) this.#leaving.set(type, false);
    // The peer may answer it. An answer earns no credit, or two peers could answer each other for ever.
    if (type !== "pong") this.#credit = Math.min(this.#options.burst, this.#credit + 1);
    socket.send(text, () => {
      this.#waiting -= cost;
      if (!isRepeatable) return;
      const again = this.#leaving.get(type) === true;
      this.#leaving.delete(type);
      if (again) this.send(message);
    });
    return true;
  }

  /**
   * To be called with the size of each of the peer's messages, before it is parsed.
   * @throws ProtocolError rate_limited
   */
  received(bytes: number): void {
    const { burst, perSecond } = this.#options;
    const now = this.#now();
    this.#credit = Math.min(burst, this.#credit + ((now - this.#creditAt) / 1000) * perSecond);
    this.#creditAt = now;
    this.#credit -= 1 + Math.floor(bytes / BYTES_OF_ONE);
    if (this.#credit >= 0) return;
    throw new ProtocolError(
      "rate_limited",
      `Too many control messages: at most ${burst} at once, and ${perSecond} per second.`,
    );
  }

  /** To be called after a close frame was sent to a peer that sends too much: nothing more is read, and the connection is cut after 2 s. */
  hangUp(): void {
    this.#socket.pause();
    setTimeout(() => this.#socket.terminate(), LAST_WORD_MS).unref();
  }
}
