// Keeps the replies to global requests in the order of the requests (RFC 4254 §4) where some requests are
// passed on to the host and others are answered by the gateway.

import { MSG } from "../../../protocol/ssh/message-numbers.ts";

/** No real client sends this many requests without waiting for a reply. */
const MAX_WAITING = 1_024;

export class GlobalReplies {
  readonly #send: (reply: Uint8Array) => void;
  /** In the order of the requests: "host", or one of our replies that has to wait. */
  readonly #waiting: ("host" | Uint8Array)[] = [];

  constructor(send: (reply: Uint8Array) => void) {
    this.#send = send;
  }

  /** A request that wants a reply was passed on to the host. Returns false if too many wait. */
  passedOn(): boolean {
    this.#waiting.push("host");
    return this.#waiting.length <= MAX_WAITING;
  }

  /** Sends our reply once the replies before it are sent. Returns false if too many wait. */
  reply(reply: Uint8Array): boolean {
    if (this.#waiting.length === 0) this.#send(reply);
    else this.#waiting.push(reply);
    return this.#waiting.length <= MAX_WAITING;
  }

  /** To be called after each message that was sent to the client. */
  sent(payload: Uint8Array): void {
    if (payload[0] !== MSG.requestSuccess && payload[0] !== MSG.requestFailure) return;
    if (this.#waiting[0] === "host") this.#waiting.shift();
    for (let next = this.#waiting[0]; next !== undefined && next !== "host"; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#send(next);
    }
  }
}
