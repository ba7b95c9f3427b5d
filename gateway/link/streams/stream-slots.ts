// Limits how many streams a workspace may have open, and how many may wait for the host to dial back.
// Accounts share both limits fairly, so one guest cannot shut out the others.

import type { WebSocket } from "ws";
import { ProtocolError } from "../../../protocol/errors.ts";
import { FairSlots } from "../../../protocol/flow/fair-slots.ts";
import { addressHolder } from "../../open-connections.ts";
import type { LinkStream, StreamRequest } from "../link.ts";

/** In all processes together. One account alone has half of them at most. */
export const MAX_STREAMS_PER_WORKSPACE = 1_024;
/**
 * A host dials this many back at once; a host that never does must not take the slots of everyone who waits.
 */
export const MAX_OPENING = 64;

interface StreamSlotsOptions {
  /** How many streams one workspace may have at once. */
  readonly limit: number;
  /** How many of them other processes have. */
  readonly elsewhere: () => number;
  /** Called with the number of this link's streams in this process. */
  readonly onChange: (count: number) => void;
}

export class StreamSlots {
  readonly #options: StreamSlotsOptions;
  readonly #taken: FairSlots;
  /** Streams whose dial-back is awaited. */
  readonly #opening = new FairSlots({ total: MAX_OPENING });

  constructor(options: StreamSlotsOptions) {
    this.#options = options;
    this.#taken = new FairSlots({ total: options.limit });
  }

  get taken(): number {
    return this.#taken.size;
  }

  /**
   * @param request names the account or address against whose share the stream counts
   * @param dial asks the host, and settles with its WebSocket
   * @throws ProtocolError gateway_full, workspace_timeout, and what `dial` throws
   */
  async open({ client }: StreamRequest, dial: () => WebSocket | Promise<WebSocket>): Promise<LinkStream> {
    const holder = client.account ?? addressHolder(client.address);
    const elsewhere = this.#options.elsewhere();
    // Counted from the request on, so that many at once cannot pass the limit together.
    const taken = this.#taken.enter([holder], () => undefined, elsewhere);
    if (typeof taken === "string") {
      const open = this.#taken.size + elsewhere;
      throw new ProtocolError(
        "gateway_full",
        taken === "full"
          ? `This workspace has ${open} connections open, its limit.`
          : `This workspace has ${open} connections open, and ${this.#taken.held(holder)} are yours: your share.`,
      );
    }
    const left = (): void => {
      taken.leave();
      this.#options.onChange(this.#taken.size);
    };
    this.#options.onChange(this.#taken.size);
    const opening = this.#opening.enter([holder], () => undefined);
    try {
      if (typeof opening === "string") {
        throw new ProtocolError(
          "workspace_timeout",
          "The workspace does not answer: too many connections are waiting for it.",
        );
      }
      const socket = await dial();
      socket.on("close", left);
      return { kind: "web-socket", socket };
    } catch (error) {
      left();
      throw error;
    } finally {
      if (typeof opening !== "string") opening.leave();
    }
  }
}
