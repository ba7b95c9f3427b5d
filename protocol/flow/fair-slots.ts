// A bound on how many connections, requests or streams may be open at once. Slots are shared fairly between holders (an
// account, an address), so that none of them takes all, and idle ones are evicted first when slots run out. One rule for
// everything that people and strangers can hold open. Pure: the clock is passed in.

export interface FairLimits {
  readonly total: number;
  /** The most that one holder may have, even when more are free. Missing: as many as are free for everyone else. */
  readonly perHolder?: number;
  /** After this long without a step, an entry may be evicted for a newcomer. Missing: nothing is evicted. */
  readonly stalledMs?: number;
}

/** `holder`: a holder has its share already. `full`: every slot is taken, and none can be evicted. */
export type FairRefusal = "holder" | "full";

export interface Slot {
  /** The holder made a step: it counts as further along, and as active now. */
  moved(): void;
  /** Frees the slot. Calling it again does nothing. */
  leave(): void;
}

interface Entry {
  readonly holders: readonly string[];
  readonly evict: () => void;
  steps: number;
  since: number;
}

export class FairSlots {
  readonly #limits: FairLimits;
  readonly #now: () => number;
  readonly #entries = new Set<Entry>();
  readonly #held = new Map<string, number>();

  constructor(limits: FairLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  held(holder: string): number {
    return this.#held.get(holder) ?? 0;
  }

  /**
   * Takes a slot, by evicting a stalled entry if that is necessary.
   * @param holders everyone whose share it counts against; empty: it counts against the total only
   * @param evict ends what holds the slot; called after the slot was given to another
   * @param elsewhere how many slots other processes have taken
   */
  enter(holders: readonly string[], evict: () => void, elsewhere = 0): Slot | FairRefusal {
    const isFull = (): boolean => this.size + elsewhere >= this.#limits.total;
    for (const holder of holders) {
      // A holder that has its share gives up one of its own slots.
      if (!this.hasRoomFor(holder, elsewhere) && !this.evictOne(holder)) return isFull() ? "full" : "holder";
    }
    if (isFull() && !this.evictOne()) return "full";
    return this.put(holders, evict);
  }

  /** Whether one more slot would be within this holder's share. */
  hasRoomFor(holder: string, elsewhere = 0): boolean {
    const { total, perHolder = Number.POSITIVE_INFINITY, stalledMs } = this.#limits;
    const held = this.held(holder);
    if (held >= perHolder) return false;
    // When anything can be evicted, no slots have to stay free for newcomers.
    return stalledMs !== undefined || isFair(held, total - this.size - elsewhere);
  }

  /** Takes a slot without checking any bound. */
  put(holders: readonly string[], evict: () => void): Slot {
    const entry: Entry = { holders, evict, steps: 0, since: this.#now() };
    this.#entries.add(entry);
    for (const holder of holders) this.#held.set(holder, this.held(holder) + 1);
    return {
      moved: () => {
        entry.steps++;
        entry.since = this.#now();
      },
      leave: () => this.#remove(entry),
    };
  }

  /**
   * Evicts the stalled entry that has made the fewest steps. Among equals, the one whose holder has the most slots goes
   * first, then the one that has been idle longest.
   * @param holder evict only among this holder's entries
   * @returns false if nothing is stalled
   */
  evictOne(holder?: string): boolean {
    const { stalledMs } = this.#limits;
    if (stalledMs === undefined) return false;
    const stalledBefore = this.#now() - stalledMs;
    let chosen: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.since > stalledBefore) continue;
      if (holder !== undefined && !entry.holders.includes(holder)) continue;
      if (chosen === undefined || this.#isWorse(entry, chosen)) chosen = entry;
    }
    if (chosen === undefined) return false;
    this.#remove(chosen);
    chosen.evict();
    return true;
  }

  #isWorse(entry: Entry, than: Entry): boolean {
    if (entry.steps !== than.steps) return entry.steps < than.steps;
    const [held, other] = [this.#mostHeld(entry), this.#mostHeld(than)];
    return held === other ? entry.since < than.since : held > other;
  }

  #mostHeld({ holders }: Entry): number {
    return holders.reduce((most, holder) => Math.max(most, this.held(holder)), 0);
  }

  #remove(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    for (const holder of entry.holders) {
      const rest = this.held(holder) - 1;
      if (rest <= 0) this.#held.delete(holder);
      else this.#held.set(holder, rest);
    }
  }
}

/**
 * Whether a holder of `held` slots may have one more while `free` are free: it may hold at most as many as it leaves free.
 * A single holder gets half of the total, two get a third each, and a newcomer always finds a slot (Choudhury and Hahne's
 * dynamic threshold for shared buffers).
 */
export function isFair(held: number, free: number): boolean {
  return free > 0 && held <= free;
}
