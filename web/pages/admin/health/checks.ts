// All findings of the health page, and the worst of them.

import type { AdminHealth } from "../../../../protocol/admin-api.ts";
import type { Check, Observed, Verdict } from "./check.ts";
import { ownChecks } from "./own-checks.ts";
import { pageChecks } from "./page-checks.ts";

const WORST_FIRST: readonly Verdict[] = ["bad", "warning", "running", "good", "info"];

/** The worst first. @param now in ms */
export function checks(health: AdminHealth, seen: Observed, now: number): Check[] {
  const all = [...pageChecks(health, seen), ...ownChecks(health, now)];
  // A test that still runs keeps its place, so that findings do not jump about.
  if (overall(all) === "running") return all;
  return all.toSorted((one, other) => WORST_FIRST.indexOf(one.verdict) - WORST_FIRST.indexOf(other.verdict));
}

/** The worst verdict of all. */
export function overall(list: readonly Check[]): Verdict {
  for (const verdict of ["bad", "warning", "running"] as const) {
    if (list.some((check) => check.verdict === verdict)) return verdict;
  }
  return "good";
}
