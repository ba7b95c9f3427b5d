// How long to wait before the next attempt. The wait doubles and has jitter, so that clients that lost a gateway at the same
// moment do not all come back at the same moment.

import { BACKOFF_MAX_MS, BACKOFF_MIN_MS } from "../limits.ts";

/**
 * Milliseconds to wait before attempt number `failures` + 1; half of them are fixed, half random.
 * @param failures how many attempts in a row have failed, from 1
 * @param random 0 to 1
 */
export function backoff(failures: number, random: number): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return Math.round(full / 2 + (full / 2) * random);
}
