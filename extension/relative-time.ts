// A time relative to now, such as "3 hours ago", in the editor's language.

import { env } from "vscode";

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** `time` is ISO 8601, or milliseconds since 1970. */
export function timeAgo(time: string | number, now = Date.now()): string {
  const seconds = Math.round((new Date(time).getTime() - now) / 1000);
  const format = new Intl.RelativeTimeFormat(env.language, { numeric: "auto" });
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  }
  return format.format(Math.abs(seconds) < 5 ? 0 : seconds, "second");
}
