// How many streams each worker has, as one of them sees it: it knows its own at once, and the others' a
// moment later. Tunnels that it gives to another worker count there until that worker reports them; otherwise
// all tunnels that arrive within this moment would go to the same worker.

/** A worker gives new tunnels to another one that has this many streams less. */
const DIFFERENCE = 2;
/** A tunnel that was given away and has not become a stream after this time was refused. */
const GIVEN_MS = 1_000;

export class Load {
  readonly #slot: number;
  /** The workers that take connections. */
  readonly #others = new Map<number, { told: number; given: number; lastGiven: number }>();
  readonly #now: () => number;
  #own = 0;

  constructor(slot: number, now: () => number = Date.now) {
    this.#slot = slot;
    this.#now = now;
  }

  ready(slot: number): void {
    if (slot !== this.#slot && !this.#others.has(slot)) {
      this.#others.set(slot, { told: 0, given: 0, lastGiven: 0 });
    }
  }

  gone(slot: number): void {
    this.#others.delete(slot);
  }

  isUp(slot: number): boolean {
    return slot === this.#slot || this.#others.has(slot);
  }

  ownChanged(by: number): void {
    this.#own += by;
  }

  /** A worker has reported its streams. */
  changed(slot: number, by: number): void {
    const other = this.#others.get(slot);
    if (other === undefined) return;
    other.told += by;
    other.given = Math.max(0, other.given - Math.max(0, by));
  }

  gave(slot: number): void {
    const other = this.#others.get(slot);
    if (other === undefined) return;
    other.given++;
    other.lastGiven = this.#now();
  }

  /** The slot of the worker with the fewest streams; undefined: none has clearly fewer than this one. */
  lessBusy(): number | undefined {
    let found: { slot: number; streams: number } | undefined;
    for (const [slot, { told, given, lastGiven }] of this.#others) {
      const streams = told + (this.#now() - lastGiven < GIVEN_MS ? given : 0);
      if (found === undefined || streams < found.streams) found = { slot, streams };
    }
    return found !== undefined && this.#own - found.streams >= DIFFERENCE ? found.slot : undefined;
  }
}
