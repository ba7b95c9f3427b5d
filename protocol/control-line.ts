// One end of a control connection: bounds what waits for a peer that does not read, and how much a peer may say that nobody
// has asked for. JSON costs more to read than to send.

import { ProtocolError } from "./errors.ts";
import { WAITING_MESSAGE_BYTES } from "./limits.ts";
import { OPEN } from "./web-socket/web-socket.ts";

/** What this needs of a WebSocket. */
export interface ControlSocket {
  readonly readyState: number;
  send(text: string, done: (error?: Error) => void): void;
  pause(): void;
  terminate(): void;
}

export interface ControlLineOptions {
  /** What may wait, in bytes of memory: what the messages cost and not only what they add up to. */
  readonly maxWaiting: number;
  /** Messages that the peer may send at once, without having been sent any. */
  readonly burst: number;
  /** And each second from then on. */
  readonly perSecond: number;
  /** Milliseconds of a clock that does not go back. */
  readonly now?: () => number;
}

/** A message counts as one for each of these bytes that it has begun. */
const BYTES_OF_ONE = 4 * 1024;
/** For the last word to arrive (ms). */
const LAST_WORD_MS = 2_000;

/** Messages that say the same as the one before: one that waits to leave is enough. */
const REPEATABLE: ReadonlySet<string> = new Set(["ping", "pong"]);

export class ControlLine<Message extends { readonly type: string }> {
  readonly #socket: ControlSocket;
  readonly #options: ControlLineOptions;
  readonly #now: () => number;
  /** Repeatable messages that have not left, and whether there is to be one more of them. */
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

  /** False: the peer does not read what it is sent. The connection is cut. */
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
    // It may be answered. An answer earns nothing, or two peers could answer each other for ever.
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
   * To be called with the size of each message of the peer, before it is parsed.
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
      `More control messages than anything asks for: at most ${burst} at once, and ${perSecond} a second.`,
    );
  }

  /** Behind the close frame, for a peer that talks too much: nothing more is read, and soon the connection is cut. */
  hangUp(): void {
    this.#socket.pause();
    setTimeout(() => this.#socket.terminate(), LAST_WORD_MS).unref();
  }
}
