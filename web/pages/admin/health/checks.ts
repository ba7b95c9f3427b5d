// All findings of the health page, and the worst of them.

import type { AdminHealth } from "../../../../protocol/admin-api.ts";
import type { Check, Observed, Verdict } from "./check.ts";
import { ownChecks } from "./own-checks.ts";
import { pageChecks } from "./page-checks.ts";

/** @param now in ms */
export function checks(health: AdminHealth, seen: Observed, now: number): Check[] {
  return [...pageChecks(health, seen), ...ownChecks(health, now)];
}

/** The worst verdict of all. */
export function overall(list: readonly Check[]): Verdict {
  for (const verdict of ["bad", "warning", "running"] as const) {
    if (list.some((check) => check.verdict === verdict)) return verdict;
  }
  return "good";
}
