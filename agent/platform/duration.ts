// Durations as people write them on the command line: 90s, 15m, 12h, 30d, 2w, 1h30m.

import { UsageError } from "../../protocol/command/command.ts";

const SECONDS = { w: 7 * 86_400, d: 86_400, h: 3_600, m: 60, s: 1 } as const;
type Unit = keyof typeof SECONDS;
const units = Object.keys(SECONDS) as Unit[];

const parser = new RegExp(`^${units.map((unit) => `(?:(\\d{1,9})${unit})?`).join("")}$`);

/**
 * Whole seconds, at least 1. Units go from the large to the small, each at most once.
 * @throws UsageError
 */
export function parseDuration(text: string, option = "A duration"): number {
  const parts = text === "" ? null : parser.exec(text);
  const seconds = units.reduce(
    (sum, unit, index) => sum + Number(parts?.[index + 1] ?? 0) * SECONDS[unit],
    0,
  );
  if (seconds < 1 || !Number.isSafeInteger(seconds)) {
    throw new UsageError(
      `${option} must be a time such as 90s, 15m, 12h or 30d, not ${JSON.stringify(text)}.`,
    );
  }
  return seconds;
}

/** The shortest text that `parseDuration` reads back as the same: 5400 → 1h30m. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  let text = "";
  for (const unit of units) {
    const count = Math.floor(rest / SECONDS[unit]);
    rest -= count * SECONDS[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return text === "" ? "0s" : text;
}

/** Rounded to one unit, for people: `just now`, `3m ago`, `in 12h`. */
export function relativeTime(time: string, now: Date): string {
  const seconds = Math.round((Date.parse(time) - now.getTime()) / 1000);
  const distance = Math.abs(seconds);
  if (distance < 5) return "just now";
  const unit = units.find((candidate) => candidate !== "w" && distance >= SECONDS[candidate]) ?? "s";
  const text = `${Math.round(distance / SECONDS[unit])}${unit}`;
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}
