// The slots that one link has for streams: how many may be open, and how many may wait for the host's dial-back. Each account
// has its share of both, so that nobody with whom a workspace is shared takes it from the others.

import type { WebSocket } from "ws";
import { ProtocolError } from "../../protocol/errors.ts";
import { FairSlots } from "../../protocol/fair-slots.ts";
import { addressHolder } from "../open-connections.ts";
import { MAX_OPENING } from "./bounds.ts";
import type { LinkStream, StreamRequest } from "./link.ts";

export interface StreamSlotsOptions {
  /** How many streams one workspace may have at once. */
  readonly limit: number;
  /** How many others count, in other processes. */
  readonly elsewhere: () => number;
  /** Called with the number of streams of this link, here. */
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
   * @param request whose share it counts for
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
          "The workspace does not answer: too many connections to it wait.",
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
