// The objects of ACME (RFC 8555 §7.1), as far as the gateway reads them. What an authority sends is checked
// against these schemas where it arrives.

import { type Static, type TSchema, Type } from "typebox";
import { matches } from "../../../protocol/schema-check.ts";
import { AcmeError } from "./acme-error.ts";

/** Everything is sent over TLS (RFC 8555 §6.1). */
const Url = Type.String({ pattern: "^https://[\\x21-\\x7e]{1,1990}$" });
const Text = Type.String({ maxLength: 10_000 });

export const Directory = Type.Object({
  newNonce: Url,
  newAccount: Url,
  newOrder: Url,
  /** RFC 9773. */
  renewalInfo: Type.Optional(Url),
  meta: Type.Optional(Type.Object({ externalAccountRequired: Type.Optional(Type.Boolean()) })),
});
export type Directory = Static<typeof Directory>;

/** RFC 7807, with the parts that RFC 8555 §6.7 adds. */
export const Problem = Type.Object({
  type: Type.Optional(Text),
  detail: Type.Optional(Text),
  subproblems: Type.Optional(
    Type.Array(Type.Object({ type: Type.Optional(Text), detail: Type.Optional(Text) }), { maxItems: 1_000 }),
  ),
});
export type Problem = Static<typeof Problem>;

export const Order = Type.Object({
  status: Type.String(),
  authorizations: Type.Array(Url, { maxItems: 1_000 }),
  finalize: Url,
  certificate: Type.Optional(Url),
  error: Type.Optional(Problem),
});
export type Order = Static<typeof Order>;

export const Challenge = Type.Object({
  type: Type.String(),
  url: Url,
  status: Type.String(),
  /** base64url, at least 128 bits (RFC 8555 §8). It becomes part of a path. */
  token: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{16,256}$" })),
  error: Type.Optional(Problem),
});
export type Challenge = Static<typeof Challenge>;

export const Authorization = Type.Object({
  status: Type.String(),
  identifier: Type.Object({ type: Type.String(), value: Type.String({ maxLength: 300 }) }),
  challenges: Type.Array(Challenge, { maxItems: 100 }),
});
export type Authorization = Static<typeof Authorization>;

export const RenewalInfo = Type.Object({
  suggestedWindow: Type.Object({
    start: Type.String({ maxLength: 40 }),
    end: Type.String({ maxLength: 40 }),
  }),
});

/** @throws AcmeError `acme_malformed` */
export function parse<S extends TSchema>(schema: S, text: string, what: string): Static<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (matches(schema, value)) return value as Static<S>;
  throw new AcmeError(
    "acme_malformed",
    `The certificate authority's ${what} is not what ACME describes: check the URL in --acme-directory.`,
  );
}
