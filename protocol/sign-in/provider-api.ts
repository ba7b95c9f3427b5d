// The shapes of the HTTP API for identity providers as administrators see them, and what the pages and the gateway tell each other
// in URLs when somebody comes back from a provider.

import { type Static, Type } from "typebox";
import { Code, closedObject, Keyword, Nullable, PrintableText, Time } from "../values/fields.ts";
import { ProviderInfo } from "./api.ts";

const Words = Type.Array(PrintableText(255), { maxItems: 100 });

/** What a person wants at the provider; the query parameter `purpose` of GET /sign-in/start/:provider. */
export const ProviderPurpose = Type.Union([
  Type.Literal("sign-in"),
  Type.Literal("again"),
  Type.Literal("link"),
  Type.Literal("test"),
  Type.Literal("invitation"),
]);
export type ProviderPurpose = Static<typeof ProviderPurpose>;

/**
 * GET /sign-in/start/:provider: the browser goes to the provider and comes back to `return`, signed in. `again`: the person
 * confirms who they are. `link`: adds the identity to the account; needs a fresh sign-in. `invitation`: with the invitation that
 * POST /invitations/open has opened in this browser. `test`: an administrator looks what comes; nobody is signed in.
 * After a failure the browser comes to `/sign-in` (with `return`) or, for `link` and `test`, back to the page that asked; the query
 * then has `error`, a code of protocol/errors.ts, and `provider`.
 */
export const StartQuery = Type.Object({
  return: Type.Optional(Type.String({ maxLength: 1_000 })),
  purpose: Type.Optional(ProviderPurpose),
});

/** A provider as the gateway was told to use it, and how it is. */
export const ProviderStatus = closedObject({
  ...ProviderInfo.properties,
  issuer: PrintableText(500),
  clientId: PrintableText(255),
  scopes: Words,
  /** What has to be registered at the provider. */
  redirectUri: PrintableText(500),
  backChannelLogoutUri: Nullable(PrintableText(500)),
  afterSignOutUri: Nullable(PrintableText(500)),
  allowDomains: Words,
  allowGroups: Words,
  denyGroups: Words,
  adminGroups: Words,
  groupsClaim: PrintableText(255),
  /** `unknown`: it was not asked yet. */
  state: Type.Union([Type.Literal("ready"), Type.Literal("unreachable"), Type.Literal("unknown")]),
  /** When that was found. */
  checkedAt: Nullable(Time),
  /** Why it cannot be reached. */
  problem: Nullable(PrintableText(500)),
});
export type ProviderStatus = Static<typeof ProviderStatus>;

/** One claim that came: its value as JSON, cut if it is long. */
const Claim = closedObject({
  name: PrintableText(255),
  value: PrintableText(4_000),
  from: Type.Union([Type.Literal("id_token"), Type.Literal("userinfo")]),
});

/** What this browser session's last test of a provider brought. */
export const ProviderTest = closedObject({
  provider: Keyword,
  at: Time,
  /** Missing claims: there were more than fit into 32 KiB. */
  claims: Type.Array(Claim, { maxItems: 200 }),
  truncated: Type.Boolean(),
  issuer: PrintableText(500),
  subject: PrintableText(255),
  /** Whether somebody with these claims may sign in. */
  allowed: Type.Boolean(),
  /** The rule that decided, in words: `allowed group: staff`. */
  rule: PrintableText(500),
  /** Whether they would be an administrator; null: this provider does not decide it. */
  admin: Nullable(Type.Boolean()),
  /** What is missing or odd, such as a groups claim that did not come. */
  warnings: Type.Array(PrintableText(500), { maxItems: 20 }),
  /** The name that a new account would get; null: the person is asked. */
  accountName: Nullable(PrintableText(40)),
  /** Why nothing came; then the rest is empty. */
  error: Nullable(closedObject({ code: Code, message: PrintableText(1_000) })),
});
export type ProviderTest = Static<typeof ProviderTest>;
