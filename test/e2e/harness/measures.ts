// What a scenario has measured: printed beside its target. It is the machine's speed as much as Sallyport's, so a limit
// counts only where `SALLYPORT_E2E_LIMITS=1` asks for it.

import { expect } from "vitest";

/** In ms: what is wanted of a machine that does nothing else, and what a busy one may take. */
export interface Limit {
  readonly target: number;
  readonly allowed: number;
}

export function report(what: string, ms: number, { target, allowed }: Limit): void {
  process.stdout.write(`measured: ${what}: ${Math.round(ms)} ms (target ${target} ms)\n`);
  expect(Number.isFinite(ms) && ms > 0, `${what}: ${ms} is no time that something took`).toBe(true);
  if (process.env.SALLYPORT_E2E_LIMITS === "1") expect(ms, what).toBeLessThanOrEqual(allowed);
}

export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  if (middle === undefined) throw new Error("nothing was measured");
  return middle;
}
