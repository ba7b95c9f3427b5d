// The accounts as VS Code's secret storage keeps them: one JSON text for all, so that every window sees the same
// change. Pure.

import { type GatewayUrl, parseGatewayUrl } from "../../protocol/values/gateway-url.ts";
import { type Name, parseName } from "../../protocol/values/name.ts";
import { type AccessToken, parseAccessToken } from "../../protocol/values/token.ts";

export interface StoredAccount {
  readonly gateway: GatewayUrl;
  readonly account: Name;
  readonly token: AccessToken;
  /** The person agreed that the token may cross the network unencrypted. */
  readonly allowPlainHttp: boolean;
}

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

function parseOne(value: unknown): StoredAccount | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!("gateway" in value && "account" in value && "token" in value)) return undefined;
  try {
    return {
      gateway: parseGatewayUrl(value.gateway),
      account: parseName(value.account, "account"),
      token: parseAccessToken(value.token),
      allowPlainHttp: "allowPlainHttp" in value && value.allowPlainHttp === true,
    };
  } catch {
    // Another version wrote it.
    return undefined;
  }
}
