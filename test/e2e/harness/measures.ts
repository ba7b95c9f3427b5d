// Prints what a scenario has measured, and checks it against a limit.

import { expect } from "vitest";

/** In ms: the target for an idle machine, and what a busy one may take. */
export interface Limit {
  readonly target: number;
  readonly allowed: number;
}

/**
 * Prints the median in ms. Only the fastest run has to keep the limit: others may be slow because the machine is busy.
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
