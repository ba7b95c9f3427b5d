// What a scenario has measured: printed, and held against a limit.

import { expect } from "vitest";

/** In ms: what is wanted of a machine that does nothing else, and what a busy one may take. */
export interface Limit {
  readonly target: number;
  readonly allowed: number;
}

/**
 * Prints the median in ms. The quickest has to keep the limit: what is slower than that, the machine may have to answer
 * for.
 */
export function report(what: string, times: readonly number[], { target, allowed }: Limit): void {
  process.stdout.write(`measured: ${what}: ${Math.round(median(times))} ms (target ${target} ms)\n`);
  expect(Math.min(...times), what).toBeGreaterThan(0);
  expect(Math.min(...times), what).toBeLessThanOrEqual(allowed);
}

function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  if (middle === undefined) throw new Error("nothing was measured");
  return middle;
}
