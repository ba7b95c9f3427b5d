// Requests that wait for a token check or a dial-back, and hosts that have not registered yet. Bounded in all and by
// address (a /64 for IPv6: one customer has that many), so that slow requests of strangers cannot pile up.

import { addressBlock } from "../../protocol/address-block.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { shareOf } from "../siblings.ts";

const MAX_PENDING = 1_000;
const MAX_PENDING_PER_ADDRESS = 100;
/** Connections are spread evenly over the processes, but not those of one address: each takes this many at least. */
const LEAST_PER_ADDRESS = 20;

export class Waiting {
  readonly #limits: { readonly total: number; readonly perAddress: number };
  readonly #byBlock = new Map<string, number>();
  #total = 0;

  /** @param workers how many processes share the places */
  constructor(workers = 1) {
    this.#limits = {
      total: Math.ceil(MAX_PENDING / workers),
      perAddress: shareOf(MAX_PENDING_PER_ADDRESS, workers, LEAST_PER_ADDRESS),
    };
  }

  /**
   * Whether half of the places are free, in all and for this address: whoever waits for a host leaves those to the hosts that are
   * about to come.
   */
  hasRoom(address: string): boolean {
    const held = this.#byBlock.get(addressBlock(address)) ?? 0;
    return this.#total <= this.#limits.total / 2 && held <= this.#limits.perAddress / 2;
  }

  /** @throws ProtocolError gateway_full, rate_limited */
  enter(address: string): () => void {
    const block = addressBlock(address);
    const held = this.#byBlock.get(block) ?? 0;
    if (this.#total >= this.#limits.total) {
      throw new ProtocolError(
        "gateway_full",
        "Too many connections are waiting to be let in; try again in a moment.",
      );
    }
    if (held >= this.#limits.perAddress) {
      throw new ProtocolError(
        "rate_limited",
        "Too many connections from this address are waiting to be let in.",
      );
    }
    this.#total++;
    this.#byBlock.set(block, held + 1);
    return () => {
      this.#total--;
      const left = (this.#byBlock.get(block) ?? 1) - 1;
      if (left === 0) this.#byBlock.delete(block);
      else this.#byBlock.set(block, left);
    };
  }
}
