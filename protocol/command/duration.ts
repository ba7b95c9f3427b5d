// Durations as people write them on the command line: 90s, 15m, 12h, 30d, 2w, 1h30m.

import { UsageError } from "./command.ts";

/** In seconds, from the large to the small. */
export const DURATION_UNITS = { w: 7 * 86_400, d: 86_400, h: 3_600, m: 60, s: 1 } as const;
const units = Object.keys(DURATION_UNITS) as (keyof typeof DURATION_UNITS)[];

const parser = new RegExp(`^${units.map((unit) => `(?:(\\d{1,9})${unit})?`).join("")}$`);

/**
 * Whole seconds, at least 1. Units go from the large to the small, each at most once.
 * @throws UsageError
 */
export function parseDuration(text: string, option = "A duration"): number {
  const parts = text === "" ? null : parser.exec(text);
  const seconds = units.reduce(
    (sum, unit, index) => sum + Number(parts?.[index + 1] ?? 0) * DURATION_UNITS[unit],
    0,
  );
  if (seconds < 1 || !Number.isSafeInteger(seconds)) {
    throw new UsageError(
      `${option} must be a time such as 90s, 15m, 12h or 30d, not ${JSON.stringify(text)}.`,
    );
  }
  return seconds;
}
