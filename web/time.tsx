// Times as people read them: "3 minutes ago", with the exact time in a tooltip. They change as time passes.

import { signal } from "@preact/signals";
import { language, t } from "./words.ts";

/** The time now, in ms, in steps of 20 s. */
const now = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, 20_000);

const STEPS = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** How far an ISO 8601 time is from now. `null` reads "never". */
export function Time({ at, never }: { readonly at: string | null; readonly never?: string }) {
  if (at === null) return <span class="muted">{never ?? t("never")}</span>;
  return (
    <time dateTime={at} title={exact(at)}>
      {relative(Date.parse(at) - now.value)}
    </time>
  );
}

/** An ISO 8601 time in full, in the person's time zone. */
export function exact(at: string): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "medium" }).format(
    new Date(at),
  );
}

function relative(ms: number): string {
  // A minute that has begun counts for what is to come: 12 hours that were just chosen are not 11.
  const seconds = ms > 0 ? ms / 1000 + 59 : ms / 1000;
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) < length) continue;
    return new Intl.RelativeTimeFormat(language(), { numeric: "auto" }).format(
      Math.trunc(seconds / length),
      unit,
    );
  }
  return t("just now");
}

/** A duration in seconds in its largest unit up to days: "12 hours", "30 days". */
export function duration(seconds: number): string {
  const [unit, length] = STEPS.slice(2).find(([, one]) => seconds >= one && seconds % one === 0) ?? [
    "second",
    1,
  ];
  return new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "long" }).format(
    seconds / length,
  );
}
