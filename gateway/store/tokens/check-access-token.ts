// Checks an access token at sign-in, and again while what it opened is open.

import { ProtocolError } from "../../../protocol/errors.ts";
import type { TokenId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import { equalHashes, hashToken, parseAccessToken } from "../../../protocol/values/token.ts";
import type { Identity } from "../../directory.ts";
import type { StoreContext } from "../context.ts";
import type { AccessTokenRow } from "../database/schema.ts";
import { registersWhat } from "./host-token.ts";
import { noteUse } from "./last-use.ts";
import { parseScopes } from "./scopes.ts";

type JoinedRow = AccessTokenRow & {
  readonly name: Name;
  readonly admin: number;
  readonly disabled: number;
};

/**
 * Checks a token as it came from the wire.
 * @throws ProtocolError bad_token, token_unknown, token_revoked, token_expired, account_disabled
 */
export async function checkAccessToken(context: StoreContext, bearer: string): Promise<Identity> {
  const hash = hashToken(parseAccessToken(bearer));
  const row = await select(context).where("access_tokens.hash", "=", hash).executeTakeFirst();
  if (row === undefined || !equalHashes(row.hash, hash)) {
    throw new ProtocolError("token_unknown", "This gateway does not know this access token.");
  }
  return admit(context, row);
}

/** Checks again a token that was admitted before. It throws the same errors. */
export async function recheckAccessToken(context: StoreContext, id: TokenId): Promise<Identity> {
  const row = await select(context).where("access_tokens.id", "=", id).executeTakeFirst();
  if (row === undefined) throw new ProtocolError("token_unknown", "This access token no longer exists.");
  return admit(context, row);
}

function select({ db }: StoreContext) {
  return db
    .selectFrom("access_tokens")
    .innerJoin("accounts", "accounts.id", "access_tokens.account_id")
    .selectAll("access_tokens")
    .select(["accounts.name", "accounts.admin", "accounts.disabled"]);
}

async function admit(context: StoreContext, row: JoinedRow): Promise<Identity> {
  const { now, unwritten } = context;
  if (row.revoked_at !== null || unwritten.isRevoked(row.id)) {
    throw new ProtocolError("token_revoked", "This access token was revoked.");
  }
  if (row.expires_at !== null && row.expires_at <= now().toISOString()) {
    throw new ProtocolError("token_expired", `This access token expired at ${row.expires_at}.`);
  }
  if (row.disabled === 1 || unwritten.isDisabled(row.account_id)) {
    throw new ProtocolError("account_disabled", "This account is disabled: ask an administrator.");
  }
  await noteUse(context, "access_tokens", row);
  const admin = row.admin === 1;
  const scopes = parseScopes(row.scopes);
  return {
    account: { id: row.account_id, name: row.name, admin },
    tokenId: row.id,
    scopes: new Set(scopes.filter((scope) => scope !== "admin" || admin)),
    registers: registersWhat(row, scopes),
  };
}
