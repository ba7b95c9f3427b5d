// Requests that wait for a token check or a dial-back, and hosts that have not registered yet. Bounded in all and by
// address (a /64 for IPv6: one customer has that many), so that slow requests of strangers cannot pile up.

import { ProtocolError } from "../../protocol/errors.ts";
import { addressBlock } from "../http/client-address.ts";

const MAX_PENDING = 1_000;
const MAX_PENDING_PER_ADDRESS = 100;

export class Waiting {
  readonly #byBlock = new Map<string, number>();
  #total = 0;

  /** @throws ProtocolError gateway_full, rate_limited */
  enter(address: string): () => void {
    const block = addressBlock(address);
    const held = this.#byBlock.get(block) ?? 0;
    if (this.#total >= MAX_PENDING) {
      throw new ProtocolError(
        "gateway_full",
        "Too many connections are waiting to be let in; try again in a moment.",
      );
    }
    if (held >= MAX_PENDING_PER_ADDRESS) {
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
