// The challenge of a passkey's ceremony, between the request for its options and the answer: sealed, in a cookie.

import type { FastifyReply, FastifyRequest } from "fastify";
import { type Static, type TSchema, Type } from "typebox";
import { Check } from "typebox/value";
import { ProtocolError } from "../../../protocol/errors.ts";
import { AccountIdText, InvitationIdText, NameText } from "../../../protocol/values/fields.ts";
import type { ApiContext } from "../../http/context.ts";
import { cookieOf, PASSKEY_COOKIE, setCookie } from "../browser-session/cookies.ts";

const CHALLENGE_SECONDS = 300;

const common = { challenge: Type.String({ maxLength: 200 }), expiresAt: Type.Integer() };
const KINDS = {
  /** Signs in, or confirms who it is. */
  "sign-in": Type.Object({ kind: Type.Literal("sign-in"), ...common }),
  /** A further passkey of an account. */
  add: Type.Object({ kind: Type.Literal("add"), ...common, account: AccountIdText }),
  /** The passkey of an account that an invitation makes. */
  accept: Type.Object({
    kind: Type.Literal("accept"),
    ...common,
    account: AccountIdText,
    name: NameText,
    invitation: InvitationIdText,
  }),
} as const satisfies Record<string, TSchema>;
type Kinds = { readonly [K in keyof typeof KINDS]: Static<(typeof KINDS)[K]> };

/** Keeps a challenge in the browser for five minutes. @param more what else the answer will need */
export function keepChallenge<K extends keyof Kinds>(
  { sealer }: ApiContext,
  reply: FastifyReply,
  kind: K,
  challenge: string,
  more: Omit<Kinds[K], "kind" | "challenge" | "expiresAt">,
): void {
  const expiresAt = Date.now() + CHALLENGE_SECONDS * 1000;
  const value = { kind, challenge, expiresAt, ...more };
  setCookie(reply, PASSKEY_COOKIE, sealer.seal("passkey", value, CHALLENGE_SECONDS), CHALLENGE_SECONDS);
}

/** The challenge that this browser was given last; the browser forgets it. @throws ProtocolError bad_request */
export function takeChallenge<K extends keyof Kinds>(
  { sealer }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  kind: K,
): Kinds[K] {
  const sealed = cookieOf(request, PASSKEY_COOKIE);
  setCookie(reply, PASSKEY_COOKIE, "", 0);
  const value = sealed === undefined ? undefined : sealer.open("passkey", sealed);
  const schema: TSchema = KINDS[kind];
  if (Check(schema, value)) return value as Kinds[K];
  throw new ProtocolError(
    "bad_request",
    "This took too long, or was started in a different window: try again.",
  );
}
