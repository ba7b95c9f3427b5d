// Who may begin an SSH connection at all: caps on connections that are not signed in, early random drop before the
// global cap, and penalties for addresses that keep failing. Decided before a single byte is exchanged, so that a
// flood costs an accept and a close. Where slots run short, those give theirs up first who hold one and say nothing:
// a client that means it speaks within a moment. Pure: clock and chance are given.

import { FairSlots, type Slot } from "../../../protocol/fair-slots.ts";
import { addressBlock } from "../../../protocol/values/address-block.ts";
import { perWorker } from "../../cluster/per-worker.ts";

/** Times in ms. */
export interface AdmissionLimits {
  /** Connections of one address (of one /64, for IPv6) that are not signed in yet. */
  readonly perAddress: number;
  /**
   * As sshd_config(5) MaxStartups: from `start` pending connections on, each new one is dropped with a chance that rises
   * from `rate` percent to certainty at `full`.
   */
  readonly startups: { readonly start: number; readonly rate: number; readonly full: number };
  /** After this long without a next step, a pending connection may lose its slot to a newcomer (the one that stands still
   * longest does). A client sends its version line together with the end of TCP's handshake, however far away it is. */
  readonly stalledMs: number;
  readonly penalties: {
    /** What each offence adds. */
    readonly costMs: Readonly<Record<Offence, number>>;
    /** An address is refused once its penalty reaches this, until all of it has faded. */
    readonly thresholdMs: number;
    readonly maxMs: number;
    /** Addresses remembered at once; the one that has been quiet longest makes room. */
    readonly addresses: number;
  };
}

/**
 * `refused`: a proof that was none. `late`: not signed in within the time. `left`: went away without having tried.
 * `malformed`: does not speak SSH, or not to its end. `scanned`: asked for a host key and for no more, as ssh-keyscan does and
 * a person who says no to the key; or had no algorithm in common. That is no offence, and costs a few times what the most
 * expensive key exchange costs here (group16: some 30 ms), so that one address does not take all of the gateway's time with them.
 */
export const OFFENCES = ["refused", "late", "left", "malformed", "scanned"] as const;
export type Offence = (typeof OFFENCES)[number];

/** Of several processes each takes this many of one address: they are not spread evenly. */
const LEAST_PER_ADDRESS = 5;

/** As sshd_config(5) PerSourcePenalties, a little milder: people behind one address share it. */
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
 * The bounds of one of `processes` that serve the port together. Penalties are whole: each process hears of every offence.
 */
export function shareOfLimits(limits: AdmissionLimits, processes: number): AdmissionLimits {
  const { start, rate, full } = limits.startups;
  return {
    ...limits,
    perAddress: perWorker(limits.perAddress, processes, LEAST_PER_ADDRESS),
    startups: { start: perWorker(start, processes), rate, full: perWorker(full, processes) },
  };
}

/** `penalty`: the address is shut out for a while. The others: too many connections wait, its own or everyone's. */
export type Refusal = "penalty" | "address" | "full" | "random";

/** A step is the version line, and the key exchange; it leaves once it is signed in or gone. */
export type Admitted = Slot;

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

  /** Connections that are not signed in. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Addresses that are refused at the moment. */
  get penalized(): number {
    const now = this.#now();
    let count = 0;
    for (const { until, refusing } of this.#penalties.values()) if (refusing && until > now) count++;
    return count;
  }

  /**
   * `address` is undefined where a proxy has not said yet whose connection it is: then the global cap alone holds.
   * `evict` ends the connection; it is called where its slot is given to another, after it counts no more.
   */
  admit(address: string | undefined, evict: () => void): Admitted | Refusal {
    const block = address === undefined ? undefined : addressBlock(address);
    if (block !== undefined) {
      if (this.#isRefusing(block)) return "penalty";
      // People behind one address share it: who stands still there makes room for who comes.
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
    // Taken out first, so that the map's order is that of the last offence.
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
