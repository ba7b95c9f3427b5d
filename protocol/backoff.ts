// How long to wait before the next attempt: doubling, with jitter, so that those who lost one gateway together do not
// come back together.

import { BACKOFF_MAX_MS, BACKOFF_MIN_MS } from "./limits.ts";

/**
 * Milliseconds before attempt number `failures` + 1. Half of it is fixed and half random.
 * @param failures how many attempts in a row have failed, from 1
 * @param random 0 to 1
 */
export function backoff(failures: number, random: number): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return Math.round(full / 2 + (full / 2) * random);
}
