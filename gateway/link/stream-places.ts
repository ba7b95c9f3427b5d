// The places that one link has for streams: how many may be open, and how many may wait for the host's dial-back.

import type { WebSocket } from "ws";
import { ProtocolError } from "../../protocol/errors.ts";
import { MAX_OPENING } from "./bounds.ts";
import type { LinkStream } from "./link.ts";

export interface StreamPlacesOptions {
  /** How many streams one workspace may have at once. */
  readonly limit: number;
  /** Open in all, where others count streams of this workspace as well. */
  readonly inAll?: () => number;
  /** Called with the number of streams of this link, here. */
  readonly onChange: (count: number) => void;
}

export class StreamPlaces {
  readonly #options: StreamPlacesOptions;
  #taken = 0;
  /** Streams whose dial-back is awaited. */
  #opening = 0;

  constructor(options: StreamPlacesOptions) {
    this.#options = options;
  }

  get taken(): number {
    return this.#taken;
  }

  /**
   * @param dial asks the host, and settles with its WebSocket
   * @throws ProtocolError gateway_full, workspace_timeout, and what `dial` throws
   */
  async open(dial: () => WebSocket | Promise<WebSocket>): Promise<LinkStream> {
    const { limit, inAll } = this.#options;
    const open = Math.max(this.#taken, inAll?.() ?? 0);
    if (open >= limit) {
      throw new ProtocolError("gateway_full", `This workspace has ${open} connections open, its limit.`);
    }
    if (this.#opening >= MAX_OPENING) {
      throw new ProtocolError(
        "workspace_timeout",
        "The workspace does not answer: too many connections to it wait.",
      );
    }
    // Counted from the request on, so that many at once cannot pass the limit together.
    this.#count(1);
    this.#opening++;
    try {
      const socket = await dial();
      socket.on("close", this.#left);
      return { kind: "web-socket", socket };
    } catch (error) {
      this.#count(-1);
      throw error;
    } finally {
      this.#opening--;
    }
  }

  /** One for all of them: thousands may be idle. */
  readonly #left = (): void => this.#count(-1);

  #count(by: 1 | -1): void {
    this.#taken += by;
    this.#options.onChange(this.#taken);
  }
}
