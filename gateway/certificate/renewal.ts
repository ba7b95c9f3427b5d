// When the next certificate is ordered. Pure: times are milliseconds since 1970, and chance is passed in.

import type { SuggestedWindow } from "./acme/renewal-info.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Let's Encrypt takes five failed validations per name and hour. */
const FAILURES_PER_HOUR = 4;
/** The wait after the first failure; each further one makes it four times as long. */
const FIRST_WAIT_MS = MINUTE_MS;
const LONGEST_WAIT_MS = 6 * HOUR_MS;
/** Between two certificates that succeed; authorities date them back by up to an hour. */
const SPACING_MS = 2 * HOUR_MS;
/** While clients are refused for want of a valid certificate. */
const LONGEST_WAIT_WITHOUT_MS = HOUR_MS;

/** What is known of attempts that failed, also by earlier processes. */
export interface Attempts {
  /** How many in a row; 0: the last one succeeded. */
  readonly failures: number;
  /** When the latest ones failed. */
  readonly failedAt: readonly number[];
  /** The authority wants no attempt before; 0: it did not say. */
  readonly notBefore: number;
}

export const NO_ATTEMPTS: Attempts = { failures: 0, failedAt: [], notBefore: 0 };

interface Validity {
  readonly from: number;
  readonly until: number;
}

/**
 * When a certificate is renewed: within the window that the authority suggests, or else at two thirds of its
 * lifetime and up to a thirtieth later, so that certificates of one day do not all come back on one day.
 * @param chance 0 to 1; always the same one for a certificate, so that its time does not move
 */
export function renewalTime({ from, until }: Validity, chance: number, window?: SuggestedWindow): number {
  const lifetime = until - from;
  if (window !== undefined) {
    // An authority that always asks for the next one must not be asked for them in a loop.
    return Math.max(
      window.start + (window.end - window.start) * chance,
      from + Math.min(SPACING_MS, lifetime / 3),
    );
  }
  return from + (lifetime * 2) / 3 + (lifetime / 30) * chance;
}

/**
 * The earliest time for the next one after one that was issued now, whatever the authority says: it could date its certificates
 * back and always want them to be renewed.
 */
export function afterSuccess({ until }: Validity, now: number): number {
  return now + Math.min(SPACING_MS, Math.max(until - now, 0) / 3);
}

/** @param notBefore what the authority has asked for */
export function afterFailure(attempts: Attempts, now: number, notBefore = 0): Attempts {
  return {
    failures: attempts.failures + 1,
    failedAt: [...recent(attempts, now), now].slice(-FAILURES_PER_HOUR),
    notBefore,
  };
}

/**
 * When the next attempt may be made.
 * @param isServing whether there is a certificate that is still valid
 * @param chance 0 to 1
 */
export function nextAttempt(attempts: Attempts, now: number, isServing: boolean, chance: number): number {
  const last = attempts.failedAt.at(-1);
  if (attempts.failures === 0 || last === undefined) return Math.max(now, attempts.notBefore);
  const longest = isServing ? LONGEST_WAIT_MS : LONGEST_WAIT_WITHOUT_MS;
  const wait = Math.min(FIRST_WAIT_MS * 4 ** Math.min(attempts.failures - 1, 10), longest);
  return Math.max(last + wait * (1 + chance / 4), attempts.notBefore, budget(attempts, now));
}

/**
 * When the first attempt of a process may be made: a restart may mean that the fault was mended, so it does
 * not wait, unless the gateway is restarted again and again.
 */
export function firstAttempt(attempts: Attempts, now: number): number {
  return Math.max(now, attempts.notBefore, budget(attempts, now));
}

/** Until when the failures of the last hour allow no further attempt; 0: they allow one. */
function budget(attempts: Attempts, now: number): number {
  const latest = recent(attempts, now);
  return latest.length < FAILURES_PER_HOUR ? 0 : (latest[0] ?? 0) + HOUR_MS;
}

/** A time in the future was written by a clock that was wrong. */
function recent({ failedAt }: Attempts, now: number): number[] {
  return failedAt.filter((at) => at > now - HOUR_MS && at <= now);
}
