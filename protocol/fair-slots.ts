// A bound on how many of a kind may be there at once, shared fairly: by holder (an account, an address), so that no one of them
// takes all, and with eviction, so that those who stand still make room for those who come. One rule for all bounds on what
// strangers and people can hold open. Pure: the clock is given.

export interface FairLimits {
  readonly total: number;
  /** What one holder may have, however much is free. Missing: as much as is free for everybody else. */
  readonly perHolder?: number;
  /** Times in ms: after this long without a step an entry may lose its place to a newcomer. Missing: none ever does. */
  readonly stalled?: number;
}

/** `holder`: one of those who hold it has its share already. `full`: nobody can be evicted. */
export type FairRefusal = "holder" | "full";

export interface Slot {
  /** It has come a step further, and stands still for no time. */
  moved(): void;
  /** Calling it again does nothing. */
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
   * @param holders all that it counts for; none: for everybody together
   * @param evict ends it; called where its place is given to another, once it counts no more
   * @param elsewhere how many more there are that are not counted here, by other processes
   */
  enter(holders: readonly string[], evict: () => void, elsewhere = 0): Slot | FairRefusal {
    const isFull = (): boolean => this.size + elsewhere >= this.#limits.total;
    for (const holder of holders) {
      // Who has its own share gives up one of its own.
      if (!this.hasRoomFor(holder, elsewhere) && !this.evictOne(holder)) return isFull() ? "full" : "holder";
    }
    if (isFull() && !this.evictOne()) return "full";
    return this.put(holders, evict);
  }

  /** Whether one more of this holder's would be within its share. */
  hasRoomFor(holder: string, elsewhere = 0): boolean {
    const { total, perHolder = Number.POSITIVE_INFINITY, stalled } = this.#limits;
    const held = this.held(holder);
    if (held >= perHolder) return false;
    // Where everybody can be evicted, what is free need not be kept for those who are to come.
    return stalled !== undefined || isFair(held, total - this.size - elsewhere);
  }

  /** The same without a look at the bounds. */
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
   * Gives up the place of the one that has come least far; of several, of one whose holder has most, and then of the one that
   * has stood still longest. False: none stands still. @param holder one of this holder's
   */
  evictOne(holder?: string): boolean {
    const { stalled } = this.#limits;
    if (stalled === undefined) return false;
    const stalledBefore = this.#now() - stalled;
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
 * Whether who holds `held` places may have one more while `free` are free: no more than it leaves to others. One alone gets
 * half of a bound, two a third each, and whoever comes first of all its own finds a place (Choudhury and Hahne's dynamic
 * threshold for shared buffers).
 */
export function isFair(held: number, free: number): boolean {
  return free > 0 && held <= free;
}
