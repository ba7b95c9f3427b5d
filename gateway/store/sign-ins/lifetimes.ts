// How long sign-ins last, and how long their secrets do.

import { OAUTH_LIFETIMES } from "../../../protocol/sign-in/oauth.ts";

export const SIGN_IN_LIFETIMES = {
  /** A browser session that nobody uses ends after 12 hours, and every one after 30 days. Seconds. */
  browserIdle: 12 * 3_600,
  browser: 30 * 24 * 3_600,
  /** A cookie that has just been replaced is still taken: requests may be under way with it. */
  sessionGrace: 30,
} as const;

/** Until when a sign-in lasts if it is not used again: ISO 8601. */
export function idleExpiry(kind: "browser" | "client", now: Date): string {
  const seconds = kind === "browser" ? SIGN_IN_LIFETIMES.browserIdle : OAUTH_LIFETIMES.refresh;
  return after(now, seconds);
}

export function after(now: Date, seconds: number): string {
  return new Date(now.getTime() + seconds * 1000).toISOString();
}
