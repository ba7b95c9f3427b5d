// A credential for a gateway as it is kept: an access token, or one that a refresh token renews. A companion reads it at each
// start, so it is parsed by hand.

import { OAUTH_CLIENTS, type OAuthClient } from "../../../protocol/sign-in/oauth.ts";
import { parseTokenId, type TokenId } from "../../../protocol/values/id.ts";
import {
  type AccessToken,
  parseAccessToken,
  parseRefreshToken,
  type RefreshToken,
} from "../../../protocol/values/token.ts";

export interface Credential {
  readonly access: AccessToken;
  /** undefined: a token that somebody made, and that nothing renews. */
  readonly renewal?: Renewal | undefined;
}

export interface Renewal {
  /** ISO 8601, by this machine's clock. */
  readonly accessExpiresAt: string;
  /** Good once. The store is the only place that has it. */
  readonly refresh: RefreshToken;
  readonly signIn: TokenId;
  readonly client: OAuthClient;
}

export type RenewableCredential = Credential & { readonly renewal: Renewal };

/** A token is renewed so long before it expires, in ms. */
const FRESH_FOR_MS = 60_000;
/** No access token lives longer than this, in ms: a later expiry means that the clock was set back. */
const LONGEST_MS = 25 * 3600 * 1000;

/** Whether the access token is good for a minute at least, or is one that nothing renews. */
export function isFresh(
  renewal: Pick<Renewal, "accessExpiresAt"> | undefined,
  now: number = Date.now(),
): boolean {
  if (renewal === undefined) return true;
  const left = Date.parse(renewal.accessExpiresAt) - now;
  return left > FRESH_FOR_MS && left < LONGEST_MS;
}

/** One line. A token that nothing renews is kept as itself, which older versions read, too. */
export function formatCredential({ access, renewal }: Credential): string {
  return renewal === undefined ? access : JSON.stringify({ access, ...renewal });
}

/** @throws Error: not a credential */
export function parseCredential(text: string): Credential {
  const line = text.trim();
  if (!line.startsWith("{")) return { access: parseAccessToken(line) };
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null || !("access" in value && "accessExpiresAt" in value))
    throw new Error("access or accessExpiresAt is missing");
  if (!("refresh" in value && "signIn" in value && "client" in value))
    throw new Error("refresh, signIn or client is missing");
  const { accessExpiresAt } = value;
  if (typeof accessExpiresAt !== "string" || Number.isNaN(Date.parse(accessExpiresAt)))
    throw new Error("accessExpiresAt is not a time");
  const client = OAUTH_CLIENTS.find((one) => one === value.client);
  if (client === undefined) throw new Error("client is not known");
  return {
    access: parseAccessToken(value.access),
    renewal: {
      accessExpiresAt,
      refresh: parseRefreshToken(value.refresh),
      signIn: parseTokenId(value.signIn),
      client,
    },
  };
}
