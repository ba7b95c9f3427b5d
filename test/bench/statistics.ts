// Medians and percentiles of what was measured, and rounding for the tables.

/** The value that `part` of all lie below: 0.5 is the median. @throws Error where nothing was measured */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  if (found === undefined) throw new Error("nothing was measured");
  return found;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** To three significant digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
