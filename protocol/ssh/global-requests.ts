// Answers a peer's global requests (RFC 4254 §4) in the order in which they came, however long each takes.

import { printable } from "../values/printable.ts";
import { MSG } from "./message-numbers.ts";
import { message, TooLong, WireError, type WireReader } from "./wire.ts";

/** Global requests that wait for their answer. */
const MAX_PENDING = 256;

/**
 * true or bytes: REQUEST_SUCCESS, with the bytes in it. false: REQUEST_FAILURE. A refusal: REQUEST_FAILURE with its text
 * behind it, for a peer that is known to read one; RFC 4254 §4 has no room for it.
 */
export type GlobalReply = boolean | Uint8Array | GlobalRefusal;

interface GlobalRefusal {
  readonly refusal: string;
}

export interface GlobalRequestsOptions {
  /** @throws WireError: the request is malformed, and the connection ends; TooLong: the request alone is refused */
  answer(name: string, data: WireReader): GlobalReply | Promise<GlobalReply>;
  send(...parts: readonly Uint8Array[]): void;
  /** The peer has broken the protocol. */
  fail(description: string): void;
}

export class GlobalRequests {
  readonly #options: GlobalRequestsOptions;
  #replies: Promise<void> = Promise.resolve();
  #pending = 0;

  constructor(options: GlobalRequestsOptions) {
    this.#options = options;
  }

  /** @throws WireError if the message is malformed, or too many requests wait for their answers */
  receive(data: WireReader): void {
    const name = data.text(128);
    const wantReply = data.boolean();
    if (this.#pending >= MAX_PENDING) throw new WireError("Too many unanswered requests.");
    const reply = this.#replyTo(name, data);
    this.#pending++;
    this.#replies = Promise.all([this.#replies, reply]).then(([, result]) => {
      this.#pending--;
      if (wantReply) this.#send(result);
    });
  }

  #send(reply: GlobalReply): void {
    const { send } = this.#options;
    if (reply === false) send(message(MSG.requestFailure));
    else if (typeof reply === "object" && "refusal" in reply) {
      send(message(MSG.requestFailure), Buffer.from(printable(reply.refusal, 500), "utf8"));
    } else send(message(MSG.requestSuccess), reply === true ? Buffer.alloc(0) : reply);
  }

  async #replyTo(name: string, data: WireReader): Promise<GlobalReply> {
    try {
      return await this.#options.answer(name, data);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      if (!(error instanceof TooLong)) this.#options.fail(error.message);
      return false;
    }
  }
}
