// Streams for which a host has been asked to dial back. Only the token in the request ties the dial-back to
// the client that waits: 256 random bits, good once, for DIAL_BACK_TIMEOUT_MS.

import type { WebSocket } from "ws";
import { type ErrorCode, ProtocolError } from "../../../protocol/errors.ts";
import { DIAL_BACK_TIMEOUT_MS } from "../../../protocol/limits.ts";
import {
  hashToken,
  newStreamToken,
  parseStreamToken,
  type StreamToken,
} from "../../../protocol/values/token.ts";

/** What waits for a dial-back. One of the two functions is called, once. */
interface Waiter {
  readonly resolve: (socket: WebSocket) => void;
  readonly reject: (error: ProtocolError) => void;
}

/** Streams that other processes of this gateway wait for. */
interface WaitersElsewhere {
  /** A new token that leads a dial-back to this process. */
  mint(): StreamToken;
  /** The host of `owner`, a link of this process, refused a stream for which another process waits. */
  refused(owner: object, token: StreamToken, message: string): void;
}

interface Pending extends Waiter {
  readonly owner: object;
  readonly timer: NodeJS.Timeout;
}

export class PendingStreams {
  /** By hash: a look-up by the secret itself could be timed. */
  readonly #pending = new Map<string, Pending>();
  readonly #elsewhere: WaitersElsewhere | undefined;

  constructor(elsewhere?: WaitersElsewhere) {
    this.#elsewhere = elsewhere;
  }

  get size(): number {
    return this.#pending.size;
  }

  /**
   * @param owner the link that asks
   * @returns the token for the host, and the WebSocket with which it dials back, or a ProtocolError
   */
  create(
    owner: object,
    timeoutMs = DIAL_BACK_TIMEOUT_MS,
  ): { token: StreamToken; socket: Promise<WebSocket> } {
    const token = this.#elsewhere?.mint() ?? newStreamToken();
    const hash = hashToken(token);
    const socket = new Promise<WebSocket>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(hash);
        reject(
          new ProtocolError(
            "workspace_timeout",
            "The workspace did not answer in time; it may be asleep or overloaded.",
          ),
        );
      }, timeoutMs);
      this.#pending.set(hash, { owner, resolve, reject, timer });
    });
    return { token, socket };
  }

  /**
   * Removes the request that `bearer` names and returns it: a second use of the token finds nothing.
   * @throws ProtocolError bad_token, stream_unknown
   */
  take(bearer: string | undefined): Waiter {
    const token = parseStreamToken(bearer);
    const hash = hashToken(token);
    const pending = this.#pending.get(hash);
    if (pending === undefined) {
      throw new ProtocolError(
        "stream_unknown",
        "No such stream is waiting: it was used already, or took too long.",
      );
    }
    this.#pending.delete(hash);
    clearTimeout(pending.timer);
    return pending;
  }

  /** The host refused a request: fails it, if `owner` made it. @throws ProtocolError bad_token */
  refuse(owner: object, bearer: string, code: ErrorCode, message: string): void {
    const token = parseStreamToken(bearer);
    const hash = hashToken(token);
    const pending = this.#pending.get(hash);
    if (pending === undefined) this.#elsewhere?.refused(owner, token, message);
    if (pending?.owner === owner) this.#fail(hash, pending, new ProtocolError(code, message));
  }

  /** Fails all requests of `owner`: the link has ended. */
  abandon(owner: object): void {
    for (const [hash, pending] of this.#pending) {
      if (pending.owner !== owner) continue;
      this.#fail(
        hash,
        pending,
        new ProtocolError("workspace_offline", "The workspace went offline just now."),
      );
    }
  }

  #fail(hash: string, pending: Pending, error: ProtocolError): void {
    this.#pending.delete(hash);
    clearTimeout(pending.timer);
    pending.reject(error);
  }
}
