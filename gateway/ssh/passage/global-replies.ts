// Keeps the replies to global requests in the order of the requests (RFC 4254 §4), where some requests go through to the
// host and others are answered by the gateway in between.

import { MSG } from "../../../protocol/ssh/message-numbers.ts";

/** A client that asks this often without waiting is not one. */
const MAX_WAITING = 1_024;

export class GlobalReplies {
  readonly #send: (reply: Uint8Array) => void;
  /** In the order of the requests: "host", or a reply of ours that is not due yet. */
  readonly #waiting: ("host" | Uint8Array)[] = [];

  constructor(send: (reply: Uint8Array) => void) {
    this.#send = send;
  }

  /** A request that wants a reply goes to the host. False: too many wait. */
  passedOn(): boolean {
    this.#waiting.push("host");
    return this.#waiting.length <= MAX_WAITING;
  }

  /** Sends our reply once those before it are sent. False: too many wait. */
  reply(reply: Uint8Array): boolean {
    if (this.#waiting.length === 0) this.#send(reply);
    else this.#waiting.push(reply);
    return this.#waiting.length <= MAX_WAITING;
  }

  /** To be called after each message from the host was sent to the client. */
  sent(payload: Uint8Array): void {
    if (payload[0] !== MSG.requestSuccess && payload[0] !== MSG.requestFailure) return;
    if (this.#waiting[0] === "host") this.#waiting.shift();
    for (let next = this.#waiting[0]; next !== undefined && next !== "host"; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#send(next);
    }
  }
}
