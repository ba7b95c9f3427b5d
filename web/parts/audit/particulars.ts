// The particulars of an entry of the audit log as people read them: sizes, durations, codes.

import type { AuditEntry } from "../../../protocol/api.ts";
import { language, t } from "../../words.ts";

export function detailLines(entry: AuditEntry): string[] {
  const { detail, code, bytesIn, bytesOut, durationMs, key, token } = entry;
  const lines: (string | undefined)[] = [
    detail ?? undefined,
    code === null ? undefined : t("Code: {0}", code),
    bytesIn === null && bytesOut === null
      ? undefined
      : t("{0} in, {1} out", bytes(bytesIn ?? 0), bytes(bytesOut ?? 0)),
    durationMs === null ? undefined : t("Lasted {0}", lasted(durationMs)),
    key === null ? undefined : t("Key {0}", key),
    token === null ? undefined : t("Token {0}", short(token)),
  ];
  return lines.filter((line) => line !== undefined);
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** Enough of an id to tell it from others: `tok_tndqrj…`. */
const short = (id: string): string => (id.length > 12 ? `${id.slice(0, 10)}…` : id);

/** A size as people read it. */
export function bytes(count: number): string {
  const step = Math.min(UNITS.length - 1, count < 1 ? 0 : Math.floor(Math.log10(count) / 3));
  return new Intl.NumberFormat(language(), {
    style: "unit",
    unit: UNITS[step] ?? "byte",
    unitDisplay: "short",
    maximumFractionDigits: 1,
  }).format(count / 1000 ** step);
}

/** How long something lasted, in the unit that says most. */
export function lasted(ms: number): string {
  const seconds = ms / 1000;
  const [unit, length] = SPANS.find(([, one]) => seconds >= one) ?? ["second", 1];
  return new Intl.NumberFormat(language(), {
    style: "unit",
    unit,
    unitDisplay: "long",
    maximumFractionDigits: seconds / length < 10 ? 1 : 0,
  }).format(seconds / length);
}
const SPANS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;
