// The wait between two attempts to connect again, and what cuts it short.

import { setTimeout as delay } from "node:timers/promises";

/** Between two waits that are cut short. */
const HURRY_MS = 1_000;

export class RedialWait {
  readonly #stop: AbortSignal;
  /** Cuts the current wait short; undefined: nothing waits. */
  #current: AbortController | undefined;
  #hurriedAt = Number.NEGATIVE_INFINITY;
  /** For a hurry that came too soon. */
  #later: NodeJS.Timeout | undefined;

  /** @param stop aborted when waiting no longer makes sense */
  constructor(stop: AbortSignal) {
    this.#stop = stop;
    stop.addEventListener("abort", () => clearTimeout(this.#later), { once: true });
  }

  /** Resolves after `ms`, or earlier if it is cut short. */
  async for(ms: number): Promise<void> {
    this.#current = new AbortController();
    const signal = AbortSignal.any([this.#stop, this.#current.signal]);
    // It rejects only if it is cut short, which is what the signal is for.
    await delay(ms, undefined, { signal }).catch(() => undefined);
    this.#current = undefined;
  }

  /** Cuts the current wait short, at most once per HURRY_MS: callers may be wrong, and repeatedly, that a try is worth it. */
  hurry(): void {
    if (this.#current === undefined || this.#later !== undefined) return;
    const early = this.#hurriedAt + HURRY_MS - performance.now();
    if (early > 0) {
      this.#later = setTimeout(() => {
        this.#later = undefined;
        this.hurry();
      }, early);
      return;
    }
    this.#hurriedAt = performance.now();
    this.#current.abort();
  }
}
