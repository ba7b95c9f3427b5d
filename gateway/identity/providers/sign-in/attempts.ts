// Attempts to sign in that are under way at a provider. Each is a sealed cookie of its own, found by `state`, so that two tabs do not
// meet; nothing is stored here for strangers. Only the browser that started an attempt can end it (login CSRF).

import { randomBytes } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { matches } from "../../../../protocol/schema-check.ts";
import { ProviderPurpose } from "../../../../protocol/sign-in/provider-api.ts";
import { cookiesOf, REDIRECT_COOKIE_PREFIX, setCookie } from "../../browser-session/cookies.ts";
import type { Sealer } from "../../sealed.ts";

const SECONDS = 600;
/** In one browser at a time. */
const MAX_ATTEMPTS = 5;
const STATE = /^([a-z0-9]{8})\.[A-Za-z0-9_-]{43}$/;

const Attempt = Type.Object({
  provider: Type.String(),
  state: Type.String(),
  purpose: ProviderPurpose,
  /** A path of the dashboard. */
  back: Type.String(),
  /** What the provider's flow needs again. */
  kept: Type.Record(Type.String(), Type.String()),
  /** The browser session that asked; null: for a sign-in there need not be one. */
  session: Type.Union([Type.String(), Type.Null()]),
  /** Milliseconds since 1970. */
  at: Type.Number(),
});
export type Attempt = Static<typeof Attempt>;

export function newState(): string {
  const name = [...randomBytes(8)].map((byte) => (byte % 36).toString(36)).join("");
  return `${name}.${randomBytes(32).toString("base64url")}`;
}

/** Keeps an attempt in the browser, in place of the oldest ones if there are too many. */
export function keepAttempt(
  sealer: Sealer,
  request: FastifyRequest,
  reply: FastifyReply,
  attempt: Omit<Attempt, "at">,
): void {
  const others = cookiesOf(request)
    .filter(([name]) => name.startsWith(REDIRECT_COOKIE_PREFIX))
    // One that does not open any more is the first to go.
    .map(([name, value]) => ({ name, at: opened(sealer, value)?.at ?? 0 }))
    .toSorted((a, b) => b.at - a.at);
  for (const { name } of others.slice(MAX_ATTEMPTS - 1)) {
    if (/^[A-Za-z0-9_-]{1,100}$/.test(name)) setCookie(reply, name, "", 0);
  }
  const sealed = sealer.seal("redirect", { ...attempt, at: Date.now() } satisfies Attempt, SECONDS);
  setCookie(reply, cookieName(attempt.state), sealed, SECONDS);
}

/** The attempt that `state` belongs to, once; undefined: this browser has not started it, or too long ago. */
export function takeAttempt(
  sealer: Sealer,
  request: FastifyRequest,
  reply: FastifyReply,
  provider: string,
  state: string,
): Attempt | undefined {
  if (!STATE.test(state)) return undefined;
  const name = cookieName(state);
  const found = cookiesOf(request).filter(([one]) => one === name);
  if (found.length === 0) return undefined;
  setCookie(reply, name, "", 0);
  const attempt = found.length === 1 ? opened(sealer, found[0]?.[1] ?? "") : undefined;
  return attempt?.state === state && attempt.provider === provider ? attempt : undefined;
}

function opened(sealer: Sealer, sealed: string): Attempt | undefined {
  const value = sealer.open("redirect", sealed);
  return matches(Attempt, value) ? (value as Attempt) : undefined;
}

function cookieName(state: string): string {
  return `${REDIRECT_COOKIE_PREFIX}${STATE.exec(state)?.[1] ?? ""}`;
}
