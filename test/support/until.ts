// Waiting for a condition instead of for a time.

import { setTimeout as delay } from "node:timers/promises";

/** Waits until `check` returns something, for at most `timeoutMs`. */
export async function until<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  for (const deadline = Date.now() + timeoutMs; ; ) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${check}`);
    await delay(10);
  }
}

/** Waits until `read` returns the same twice in a row. */
export async function settled<T>(read: () => T | Promise<T>): Promise<T> {
  let last = await read();
  return until(async () => {
    await delay(100);
    const next = await read();
    const isSame = next === last;
    last = next;
    return isSame ? next : undefined;
  });
}
