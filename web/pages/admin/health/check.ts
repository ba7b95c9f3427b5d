// A finding of the health page, and what this browser sees of the gateway.

import { t } from "../../../words.ts";

/** What this browser sees. undefined: not known yet. */
export interface Observed {
  /** Origin and path prefix of the page: `https://gw.example.com/sub`. */
  readonly pageUrl: string;
  readonly secureContext: boolean;
  /** Where the session's cookie can be kept. */
  readonly cookies: boolean | undefined;
  readonly webSocket: WebSocketFinding | undefined;
  readonly events: EventsFinding | undefined;
  /** By how many ms the gateway's clock is ahead of this browser's; negative: behind. */
  readonly clockAheadMs: number | undefined;
  /** How uncertain that is. */
  readonly clockErrorMs: number | undefined;
}
export type WebSocketFinding = "passes" | "refused" | "silent";
/** `firstMs`: until the first event, of which the gateway sends one at once. */
export type EventsFinding = { readonly firstMs: number } | "silent" | "failed";

export type Verdict = "good" | "warning" | "bad" | "running" | "info";

export interface Check {
  readonly id: string;
  readonly title: string;
  readonly verdict: Verdict;
  /** What was found, and what that means. */
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
}

export function running(base: { readonly id: string; readonly title: string }): Check {
  return { ...base, verdict: "running", found: t("Being tested…") };
}
