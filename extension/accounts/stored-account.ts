// The accounts as VS Code's secret storage keeps them: one JSON text for all, so that every window sees the same
// change. Pure.

import { type GatewayUrl, parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { parseTokenId, type TokenId } from "../../protocol/values/id.ts";
import { type Name, parseName } from "../../protocol/values/name.ts";
import { type AccessToken, parseAccessToken } from "../../protocol/values/token.ts";

interface AccountFacts {
  readonly gateway: GatewayUrl;
  readonly account: Name;
  /** The person agreed that the token may cross the network unencrypted. */
  readonly allowPlainHttp: boolean;
  /** What the credential may do; empty where an older version did not take note of it. */
  readonly scopes: readonly string[];
}

/** An access token that the person pasted. */
interface TokenAccount extends AccountFacts {
  readonly token: AccessToken;
}

/** A sign-in by the browser or a device code: its secrets are in the agent's store alone, since each is good once. */
interface SignedInAccount extends AccountFacts {
  readonly signIn: TokenId;
}

export type StoredAccount = TokenAccount | SignedInAccount;

const MAX_ACCOUNTS = 50;

/** Leaves out what cannot be read: the person then signs in again. */
export function parseStoredAccounts(text: string | undefined): StoredAccount[] {
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not the text that we wrote: treated as empty.
    return [];
  }
  return Array.isArray(value) ? value.slice(0, MAX_ACCOUNTS).flatMap((one) => parseOne(one) ?? []) : [];
}

export function formatStoredAccounts(accounts: readonly StoredAccount[]): string {
  return JSON.stringify(accounts);
}

/** Replaces the gateway's account. There is one per gateway, since the companion looks a token up by its gateway. */
export function withAccount(accounts: readonly StoredAccount[], added: StoredAccount): StoredAccount[] {
  return [...accounts.filter(({ gateway }) => gateway !== added.gateway), added];
}

/** The id of the authentication session: it changes with the account, not with the token. */
export function sessionId({ gateway, account }: Pick<StoredAccount, "gateway" | "account">): string {
  return `${account} ${gateway}`;
}

/** Tells one credential from the next: a pasted token, or a sign-in, whose tokens change while it stays. */
export function credentialOf(account: StoredAccount): string {
  return "token" in account ? account.token : account.signIn;
}

/** Whether the account has everything that is asked for: its gateway, or things that its credential may do. */
export function covers({ gateway, scopes }: StoredAccount, wanted: readonly string[]): boolean {
  const may = (scope: string): boolean => scopes.length === 0 || scopes.includes(scope);
  return wanted.every((one) => one === gateway || (!one.includes(":") && may(one)));
}

function parseOne(value: unknown): StoredAccount | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!("gateway" in value && "account" in value)) return undefined;
  const scopes = "scopes" in value && Array.isArray(value.scopes) ? value.scopes : [];
  try {
    const facts: AccountFacts = {
      gateway: parseGatewayUrl(value.gateway),
      account: parseName(value.account, "account"),
      allowPlainHttp: "allowPlainHttp" in value && value.allowPlainHttp === true,
      scopes: scopes.filter((scope) => typeof scope === "string").slice(0, 10),
    };
    if ("signIn" in value) return { ...facts, signIn: parseTokenId(value.signIn) };
    return "token" in value ? { ...facts, token: parseAccessToken(value.token) } : undefined;
  } catch {
    // Another version wrote it.
    return undefined;
  }
}
