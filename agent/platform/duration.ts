// Durations as people read them. protocol/command/duration.ts has how they write them.

import { DURATION_UNITS as SECONDS } from "../../protocol/command/duration.ts";

const units = Object.keys(SECONDS) as (keyof typeof SECONDS)[];

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
