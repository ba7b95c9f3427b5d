// Upgrades that wait for a token check or a dial-back, and hosts that have not registered yet. They are
// bounded in total and per address (a /64 for IPv6: one customer has that many), so that slow requests of
// strangers cannot pile up. When slots run out, idle ones are evicted first.

import { ProtocolError } from "../../protocol/errors.ts";
import { FairSlots, type Slot } from "../../protocol/flow/fair-slots.ts";
import { addressBlock } from "../../protocol/values/address-block.ts";
import { perWorker } from "../cluster/per-worker.ts";

const MAX_PENDING = 1_000;
const MAX_PENDING_PER_ADDRESS = 100;
/**
 * Each process allows at least this many: connections are spread evenly over the processes, but not those of
 * one address.
 */
const LEAST_PER_ADDRESS = 20;
/** A token is checked in milliseconds, and an honest host answers its challenge at once. */
const STALLED_MS = 1_000;

export class PendingUpgrades {
  readonly #limits: { readonly total: number; readonly perHolder: number };
  readonly #slots: FairSlots;

  /** @param workers how many processes share the slots */
  constructor(workers = 1, now: () => number = Date.now) {
    this.#limits = {
      total: Math.ceil(MAX_PENDING / workers),
      perHolder: perWorker(MAX_PENDING_PER_ADDRESS, workers, LEAST_PER_ADDRESS),
    };
    this.#slots = new FairSlots({ ...this.#limits, stalledMs: STALLED_MS }, now);
  }

  /**
   * Whether half of the slots are free, in total and for this address. Clients that wait for a host leave
   * that half to the hosts that are about to come back.
   */
  hasRoom(address: string): boolean {
    const held = this.#slots.held(addressBlock(address));
    return this.#slots.size <= this.#limits.total / 2 && held <= this.#limits.perHolder / 2;
  }

  /**
   * `evict` ends the request: its slot is given to another.
   * @throws ProtocolError gateway_full, rate_limited
   */
  enter(address: string, evict: () => void): Slot {
    const slot = this.#slots.enter([addressBlock(address)], evict);
    if (typeof slot !== "string") return slot;
    if (slot === "full") {
      throw new ProtocolError(
        "gateway_full",
        "Too many connections are waiting to be let in; try again in a moment.",
      );
    }
    throw new ProtocolError(
      "rate_limited",
      "Too many connections from this address are waiting to be let in.",
    );
  }
}
