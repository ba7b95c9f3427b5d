// Whether the connection that a stream is attached to still lives. It counts as dead after too long a silence, sooner while
// bytes wait for their ack, and soonest after the machine has slept. No I/O and no clock of its own: times are passed in.

import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../limits.ts";
import { PROBE_MS, STALLED_MAX_MS, STALLED_MS } from "./limits.ts";

export type Death =
  /** Nothing was heard for DEAD_AFTER_MS. */
  | "silent"
  /** Nothing was heard for the connection's patience, while bytes waited for their ack. */
  | "stalled"
  /** A probe was not answered in PROBE_MS. */
  | "asleep";

/** How long a stream waits for an ack of its bytes; outlives its connections. */
export class Patience {
  #ms = STALLED_MS;

  /** On a slow line a single frame may take long, so it is never less than three round trips. */
  ms(roundTripMs: number | undefined): number {
    return Math.max(this.#ms, 3 * (roundTripMs ?? 0));
  }

  /** A connection has stalled: the next one gets twice as long. */
  grow(): void {
    this.#ms = Math.min(STALLED_MAX_MS, this.#ms * 2);
  }

  /** Bytes got through. */
  reset(): void {
    this.#ms = STALLED_MS;
  }
}

/** One connection's signs of life. Times are in milliseconds of a monotonic clock. */
export class Liveness {
  #heardAt: number;
  #pingedAt: number;
  /** Since when bytes have waited for their ack; undefined: none do. */
  #owedSince: number | undefined;
  /** When the answer to a probe is due; undefined: there is no probe. */
  #probeUntil: number | undefined;

  constructor(now: number) {
    this.#heardAt = now;
    this.#pingedAt = now;
  }

  heard(now: number): void {
    this.#heardAt = now;
    this.#probeUntil = undefined;
  }

  /** Bytes were sent whose ack is awaited. */
  sent(now: number): void {
    this.#owedSince ??= now;
  }

  /** An ack came. @param isMoreOwed whether other bytes still wait for theirs */
  acknowledged(isMoreOwed: boolean, now: number): void {
    this.#owedSince = isMoreOwed ? now : undefined;
  }

  /** A ping is sent, as part of a probe or because one is due. */
  pinged(now: number): void {
    this.#pingedAt = now;
  }

  /** A ping is sent whose answer is due within PROBE_MS. What was owed before a sleep is owed from now on. */
  probed(now: number): void {
    this.pinged(now);
    this.#probeUntil = now + PROBE_MS;
    this.#heardAt = now;
    if (this.#owedSince !== undefined) this.#owedSince = now;
  }

  isPingDue(now: number): boolean {
    if (now - this.#pingedAt >= PING_INTERVAL_MS) return true;
    const owedSince = this.#owedSince;
    return owedSince !== undefined && now - Math.max(this.#pingedAt, owedSince) >= STALLED_MS / 2;
  }

  /** What the connection has died of; undefined: it lives, as far as is known. */
  death(now: number, patienceMs: number): Death | undefined {
    if (this.#probeUntil !== undefined && now >= this.#probeUntil) return "asleep";
    const silence = now - this.#heardAt;
    if (silence >= DEAD_AFTER_MS) return "silent";
    const owedSince = this.#owedSince;
    const isStalled = owedSince !== undefined && silence >= patienceMs && now - owedSince >= patienceMs;
    return isStalled ? "stalled" : undefined;
  }
}
