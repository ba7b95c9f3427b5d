// The link of an upterm host: its SSH connection to the gateway, in which each stream is a channel that the
// gateway opens (`forwarded-streamlocal@openssh.com`). Each channel has a window of its own, so one slow
// client stops nobody else's bytes.

import type { Duplex } from "node:stream";
import { type ErrorCode, ProtocolError } from "../../protocol/errors.ts";
import { destroyAfter } from "../../protocol/flow/end-then-destroy.ts";
import type { Channel } from "../../protocol/ssh/channel.ts";
import { encode } from "../../protocol/ssh/wire.ts";
import type { Link, LinkStream } from "../link/link.ts";
import type { SessionId } from "./session-id.ts";

/** The host's connection, as the link needs it. */
interface UptermHostCarrier {
  /** @throws Error if the host refuses the channel, or the connection ends before it answers */
  openChannel(type: string, data: Uint8Array): Promise<Channel>;
  /** Whether the host answers within `ms`. */
  probe(ms: number): Promise<boolean>;
  end(reason: string): void;
}

interface UptermLinkOptions {
  readonly id: SessionId;
  readonly address: string;
  readonly hostKeys: readonly string[];
  readonly carrier: UptermHostCarrier;
  readonly maxStreams: number;
  /** From the request for a channel to the host's answer. */
  readonly openTimeoutMs: number;
}

/** After this side has ended a stream, the host may keep its channel open for this long. */
const LINGER_MS = 10_000;

export class UptermLink implements Link {
  readonly since = new Date();
  readonly address: string;
  readonly hostKeys: readonly string[];
  readonly credential = null;
  readonly #options: UptermLinkOptions;
  #streams = 0;
  #ended = false;

  constructor(options: UptermLinkOptions) {
    this.#options = options;
    this.address = options.address;
    this.hostKeys = options.hostKeys;
  }

  get streams(): number {
    return this.#streams;
  }

  /** Takes no request: the host learns from the certificate who the client is. */
  async openStream(): Promise<LinkStream> {
    const { id, carrier, maxStreams, openTimeoutMs } = this.#options;
    if (this.#ended) throw new ProtocolError("workspace_offline", "The session went offline just now.");
    if (this.#streams >= maxStreams) {
      throw new ProtocolError(
        "gateway_full",
        `This session has ${this.#streams} connections open, its limit.`,
      );
    }
    this.#streams++;
    const opening = carrier.openChannel("forwarded-streamlocal@openssh.com", encode(id, ""));
    try {
      const stream = asByteStream(await within(opening, openTimeoutMs));
      stream.once("close", () => this.#streams--);
      return { kind: "duplex", stream };
    } catch (error) {
      this.#streams--;
      if (error instanceof ProtocolError) {
        // A channel that comes too late is not needed any more; nor is a refusal.
        opening.then(
          (channel) => channel.destroy(),
          () => undefined,
        );
        throw error;
      }
      if (this.#ended)
        throw new ProtocolError("workspace_offline", "The session went offline just now.", { cause: error });
      throw new ProtocolError("stream_refused", "The host refused the connection.", { cause: error });
    }
  }

  probe(ms: number): Promise<boolean> {
    return this.#ended ? Promise.resolve(false) : this.#options.carrier.probe(ms);
  }

  close(_code: ErrorCode, message: string): void {
    this.#options.carrier.end(message);
  }

  /** The connection has ended, and with it every channel. */
  ended(): void {
    this.#ended = true;
  }
}

/**
 * Makes a channel end as a socket does. When the host's side has ended or closed and all of it is read, this
 * side ends too; LINGER_MS after this side has ended, the channel is closed.
 */
function asByteStream(channel: Channel): Duplex {
  channel.once("end", () => channel.end());
  channel.once("finish", () => {
    destroyAfter(channel, LINGER_MS);
  });
  return channel;
}

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new ProtocolError("workspace_timeout", "The host did not take the connection in time.")),
      ms,
    );
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
