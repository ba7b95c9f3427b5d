// Decides which SSH connections may begin: it limits connections that are not signed in, drops some at random
// before the total limit is reached, and refuses addresses that keep failing. This happens before a single
// byte is exchanged, so that a flood costs an accept and a close each. When slots run out, silent connections
// are evicted first: a real client sends its version line at once. Pure: the clock and the random numbers are
// arguments.

import { FairSlots, type Slot } from "../../../protocol/flow/fair-slots.ts";
import { addressBlock } from "../../../protocol/values/address-block.ts";
import { perWorker } from "../../cluster/per-worker.ts";

export interface AdmissionLimits {
  /** Connections per address (for IPv6, per /64) that are not signed in yet. */
  readonly perAddress: number;
  /**
   * As MaxStartups in sshd_config(5): from `start` pending connections on, a new one is dropped with a
   * probability that rises from `rate` percent to certainty at `full`.
   */
  readonly startups: { readonly start: number; readonly rate: number; readonly full: number };
  /**
   * After this long without a step towards sign-in, a pending connection may be evicted for a new one; the
   * one that has stalled for longest goes first. However far away a client is, it sends its version line
   * right after TCP's handshake.
   */
  readonly stalledMs: number;
  readonly penalties: {
    /** What each offence adds to the penalty. */
    readonly costMs: Readonly<Record<Offence, number>>;
    /** An address whose penalty reaches this is refused until the penalty has faded completely. */
    readonly thresholdMs: number;
    readonly maxMs: number;
    /** How many addresses are remembered. Beyond that, the one whose last offence is oldest is forgotten. */
    readonly addresses: number;
  };
}

/**
 * `refused`: a bad proof. `late`: not signed in in time. `left`: disconnected without trying to sign in.
 * `malformed`: broke the SSH protocol. `scanned`: asked only for a host key, as ssh-keyscan does, or a person
 * who rejects the key; or had no algorithm in common. Scanning is harmless, so it costs only a few times as
 * much as the most expensive key exchange costs the gateway (group16, about 30 ms). So one address cannot
 * take all of the gateway's time.
 */
export const OFFENCES = ["refused", "late", "left", "malformed", "scanned"] as const;
export type Offence = (typeof OFFENCES)[number];

/**
 * Each of several processes allows at least this many per address, since connections are not spread evenly.
 */
const LEAST_PER_ADDRESS = 5;

/**
 * As PerSourcePenalties in sshd_config(5), but a little milder, since people behind one address share its
 * penalty.
 */
export const ADMISSION_LIMITS: AdmissionLimits = {
  perAddress: 10,
  startups: { start: 100, rate: 30, full: 200 },
  stalledMs: 100,
  penalties: {
    costMs: { refused: 4_000, late: 10_000, left: 500, malformed: 2_000, scanned: 100 },
    thresholdMs: 20_000,
    maxMs: 600_000,
    addresses: 10_000,
  },
};

/**
 * The limits of each of `processes` processes that serve the port together. Penalties are not divided, since
 * each process learns of every offence.
 */
export function limitsPerWorker(limits: AdmissionLimits, processes: number): AdmissionLimits {
  const { start, rate, full } = limits.startups;
  return {
    ...limits,
    perAddress: perWorker(limits.perAddress, processes, LEAST_PER_ADDRESS),
    startups: { start: perWorker(start, processes), rate, full: perWorker(full, processes) },
  };
}

/**
 * `penalty`: the address is refused for a while. Otherwise too many connections wait, of this address or in
 * all.
 */
export type Refusal = "penalty" | "address" | "full" | "random";

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #penalties = new Map<string, { until: number; refusing: boolean }>();
  readonly #pending: FairSlots;

  constructor(limits: AdmissionLimits, now: () => number = Date.now, random: () => number = Math.random) {
    this.#limits = limits;
    this.#now = now;
    this.#random = random;
    const { perAddress, startups, stalledMs } = limits;
    this.#pending = new FairSlots({ total: startups.full, perHolder: perAddress, stalledMs }, now);
  }

  /** How many connections are not signed in yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** How many addresses are refused at the moment. */
  get penalized(): number {
    const now = this.#now();
    let count = 0;
    for (const { until, refusing } of this.#penalties.values()) if (refusing && until > now) count++;
    return count;
  }

  /**
   * Takes a slot. Its steps are the version line and the key exchange; it is left once the client is signed
   * in or gone.
   * @param address undefined: the proxy has not named the client yet, so only the total limit applies
   * @param evict ends the connection. It is called when its slot goes to a new one, after it no longer counts
   */
  admit(address: string | undefined, evict: () => void): Slot | Refusal {
    const block = address === undefined ? undefined : addressBlock(address);
    if (block !== undefined) {
      if (this.#isRefusing(block)) return "penalty";
      // People behind one address share its slots: a stalled connection makes room for a new one.
      if (!this.#pending.hasRoomFor(block) && !this.#pending.evictOne(block)) return "address";
    }
    if (this.#random() < this.#dropChance() && !this.#pending.evictOne()) {
      return this.#pending.size >= this.#limits.startups.full ? "full" : "random";
    }
    return this.#pending.put(block === undefined ? [] : [block], evict);
  }

  penalize(address: string, offence: Offence): void {
    const { costMs, thresholdMs, maxMs, addresses } = this.#limits.penalties;
    const block = addressBlock(address);
    const now = this.#now();
    const former = this.#penalties.get(block);
    const stillActive = former !== undefined && former.until > now;
    const until = Math.min((stillActive ? former.until : now) + costMs[offence], now + maxMs);
    const refusing = (stillActive && former.refusing) || until - now >= thresholdMs;
    // Deleted first, so that the map stays in the order of the last offence.
    this.#penalties.delete(block);
    this.#penalties.set(block, { until, refusing });
    if (this.#penalties.size <= addresses) return;
    const oldest = this.#penalties.keys().next();
    if (oldest.done !== true) this.#penalties.delete(oldest.value);
  }

  #isRefusing(block: string): boolean {
    const entry = this.#penalties.get(block);
    if (entry === undefined) return false;
    if (entry.until > this.#now()) return entry.refusing;
    this.#penalties.delete(block);
    return false;
  }

  #dropChance(): number {
    const { start, rate, full } = this.#limits.startups;
    const pending = this.#pending.size;
    if (pending >= full) return 1;
    if (pending < start) return 0;
    const chance = rate + ((100 - rate) * (pending - start)) / (full - start);
    return chance / 100;
  }
}
