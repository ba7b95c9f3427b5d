// The global requests (RFC 4254 §4) of a relayed connection. Requests about the gateway's own host keys are
// answered here, the others are passed on, and the replies keep the order of the requests.

import { MSG } from "../../../protocol/ssh/message-numbers.ts";
import { message, WireError, WireReader } from "../../../protocol/ssh/wire.ts";
import { GlobalReplies } from "./global-replies.ts";
import { HOST_KEYS, type HostKeyAnnouncement, PROVE_HOST_KEYS } from "./host-key-announcement.ts";

/** A client normally asks once, and each proof costs signatures. */
const MAX_PROOFS = 8;

interface GlobalRequestsOptions {
  readonly announcement: HostKeyAnnouncement;
  /** The algorithm that signed the key exchange. */
  readonly hostKeyAlgorithm: string;
  sessionId(): Buffer | undefined;
  send(reply: Uint8Array): void;
}

export class GlobalRequests {
  readonly #options: GlobalRequestsOptions;
  readonly #replies: GlobalReplies;
  #proofs = 0;

  constructor(options: GlobalRequestsOptions) {
    this.#options = options;
    this.#replies = new GlobalReplies((reply) => options.send(reply));
  }

  /** What to do with a client's message: pass it on, nothing (it was answered), or end the connection. */
  receive(payload: Buffer): "pass" | "answered" | "unbearable" {
    const request = read(payload);
    if (request === undefined) return "pass";
    if (request.name !== PROVE_HOST_KEYS) {
      return request.wantReply && !this.#replies.passedOn() ? "unbearable" : "pass";
    }
    const proof = this.prove(request.data);
    if (!request.wantReply) return "answered";
    const reply = message(proof === undefined ? MSG.requestFailure : MSG.requestSuccess);
    return this.#replies.reply(Buffer.concat([reply, proof ?? Buffer.alloc(0)])) ? "answered" : "unbearable";
  }

  /**
   * Answers a keepalive, which says nothing about what the client wants. Returns false for any other message.
   */
  answersKeepalive(payload: Buffer): boolean {
    const request = read(payload);
    if (request?.name !== "keepalive@openssh.com") return false;
    if (request.wantReply) this.#replies.reply(message(MSG.requestFailure));
    return true;
  }

  /**
   * Whether a host's message may go to the client. A host's announcement of its host keys may not: they are
   * not the gateway's.
   */
  mayPass(payload: Uint8Array): boolean {
    return read(payload)?.name !== HOST_KEYS;
  }

  /** To be called after each message that was sent to the client. */
  sent(payload: Uint8Array): void {
    this.#replies.sent(payload);
  }

  /** The data of the answer to `hostkeys-prove-00@openssh.com`; undefined: the request is refused. */
  prove(data: WireReader): Buffer | undefined {
    const { announcement, hostKeyAlgorithm, sessionId } = this.#options;
    const id = sessionId();
    this.#proofs++;
    if (id === undefined || this.#proofs > MAX_PROOFS) return undefined;
    try {
      return announcement.prove(data, id, hostKeyAlgorithm);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return undefined;
    }
  }
}

/** undefined: a different message, or a malformed one. */
function read(payload: Uint8Array): { name: string; wantReply: boolean; data: WireReader } | undefined {
  if (payload[0] !== MSG.globalRequest) return undefined;
  try {
    const data = new WireReader(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength), 1);
    return { name: data.text(128), wantReply: data.boolean(), data };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}
