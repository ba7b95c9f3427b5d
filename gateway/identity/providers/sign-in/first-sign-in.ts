// Somebody whom a provider vouched for and who has no account yet: the browser keeps what is known, sealed, until the person has chosen
// the account's name.

import type { FastifyReply, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { matches } from "../../../../protocol/schema-check.ts";
import { cookieOf, FIRST_SIGN_IN_COOKIE, setCookie } from "../../browser-session/cookies.ts";
import type { Sealer } from "../../sealed.ts";

const SECONDS = 900;
/** Browsers keep 4,096 bytes of name, value and attributes. */
const MAX_COOKIE = 3_900;

const FirstSignIn = Type.Object({
  provider: Type.String(),
  issuer: Type.String(),
  subject: Type.String(),
  display: Type.String(),
  suggestion: Type.String(),
  /** What the provider's rules say; null: they do not decide it. */
  admin: Type.Union([Type.Boolean(), Type.Null()]),
  /** The invitation that it is for. */
  invitation: Type.Optional(Type.String()),
  session: Type.Optional(Type.String()),
  refresh: Type.Optional(Type.String()),
  idToken: Type.Optional(Type.String()),
});
export type FirstSignIn = Static<typeof FirstSignIn>;

export function keepFirstSignIn(sealer: Sealer, reply: FastifyReply, first: FirstSignIn): void {
  const { idToken: _, ...withoutIdToken } = first;
  const { refresh: _refresh, ...least } = withoutIdToken;
  // Long tokens are left out: they only make signing out and asking again more comfortable.
  const sealed = [first, withoutIdToken, least].map((value) => sealer.seal("first-sign-in", value, SECONDS));
  const fitting = sealed.find((text) => text.length <= MAX_COOKIE) ?? sealed.at(-1) ?? "";
  setCookie(reply, FIRST_SIGN_IN_COOKIE, fitting, SECONDS);
}

/** undefined: nobody waits for an account in this browser. */
export function firstSignIn(sealer: Sealer, request: FastifyRequest): FirstSignIn | undefined {
  const sealed = cookieOf(request, FIRST_SIGN_IN_COOKIE);
  const value = sealed === undefined ? undefined : sealer.open("first-sign-in", sealed);
  return matches(FirstSignIn, value) ? (value as FirstSignIn) : undefined;
}

export function forgetFirstSignIn(reply: FastifyReply): void {
  setCookie(reply, FIRST_SIGN_IN_COOKIE, "", 0);
}
