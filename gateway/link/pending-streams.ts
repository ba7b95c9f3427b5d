// Streams that a host has been asked to dial back for. The token in the request is the only thing that ties the
// dial-back to the person who waits: 256 random bits, good once, for DIAL_BACK_TIMEOUT_MS.

import type { WebSocket } from "ws";
import { type ErrorCode, ProtocolError } from "../../protocol/errors.ts";
import { DIAL_BACK_TIMEOUT_MS } from "../../protocol/limits.ts";
import {
  hashToken,
  newStreamToken,
  parseStreamToken,
  type StreamToken,
} from "../../protocol/values/token.ts";

/** The end that waits for a dial-back. One of the two is called, once. */
export interface Waiter {
  readonly resolve: (socket: WebSocket) => void;
  readonly reject: (error: ProtocolError) => void;
}

/** Where a gateway is several processes: streams that others wait for. */
export interface WaitersElsewhere {
  /** A new token that leads a dial-back to this process. */
  mint(): StreamToken;
  /** The host of `owner`, a link of this process, refused a stream that is none of ours. */
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

  /** `owner` is the link that asks; `socket` settles with the host's WebSocket or a ProtocolError. */
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
   * Takes the request that `bearer` names out of the list: a second use finds nothing.
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

  /** Fails one request, if `owner` made it: the host refused. @throws ProtocolError bad_token */
  refuse(owner: object, bearer: string, code: ErrorCode, message: string): void {
    const token = parseStreamToken(bearer);
    const hash = hashToken(token);
    const pending = this.#pending.get(hash);
    if (pending === undefined) this.#elsewhere?.refused(owner, token, message);
    if (pending?.owner === owner) this.#fail(hash, pending, new ProtocolError(code, message));
  }

  /** Fails all that `owner` waits for: its link is gone. */
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
