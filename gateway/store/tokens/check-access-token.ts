// Checks an access token at sign-in, and again while what it opened is open.

import { ProtocolError } from "../../../protocol/errors.ts";
import type { TokenId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import { equalHashes, hashToken, parseAccessToken } from "../../../protocol/values/token.ts";
import type { Identity } from "../../directory.ts";
import type { StoreContext } from "../context.ts";
import type { AccessTokenRow } from "../database/schema.ts";
import { registersWhat } from "./host-token.ts";
import { noteTokenUse } from "./last-use.ts";
import { parseScopes } from "./scopes.ts";
import { earlier } from "./token-family.ts";

type JoinedRow = AccessTokenRow & {
  readonly name: Name;
  readonly admin: number;
  readonly disabled: number;
  /** These are null for an access token. */
  readonly authenticated_at: string | null;
  readonly idle_expires_at: string | null;
};

/**
 * Checks a token as it came from the wire: an access token of its own, or the current one of a signed-in client.
 * @param address the client's
 * @throws ProtocolError bad_token, token_unknown, token_revoked, token_expired, account_disabled
 */
export async function checkAccessToken(
  context: StoreContext,
  bearer: string,
  address?: string,
): Promise<Identity> {
  const hash = hashToken(parseAccessToken(bearer));
  const row = await select(context).where("access_tokens.hash", "=", hash).executeTakeFirst();
  if (row === undefined || !equalHashes(row.hash, hash)) return checkSecret(context, "access", hash, address);
  return admit(context, row, address);
}

/**
 * Checks the secret of a sign-in: a browser's cookie, or a client's access token.
 * @throws ProtocolError token_unknown, token_revoked, token_expired, account_disabled
 */
export async function checkSecret(
  context: StoreContext,
  kind: "session" | "access",
  hash: string,
  address: string | undefined,
): Promise<Identity> {
  const row = await select(context)
    .innerJoin("sign_in_secrets", "sign_in_secrets.token_id", "access_tokens.id")
    .select(["sign_in_secrets.hash as secret_hash", "sign_in_secrets.expires_at as secret_expires_at"])
    .where("sign_in_secrets.hash", "=", hash)
    .where("sign_in_secrets.kind", "=", kind)
    .executeTakeFirst();
  if (row === undefined || !equalHashes(row.secret_hash, hash)) {
    throw new ProtocolError(
      "token_unknown",
      kind === "access"
        ? "This gateway does not know this access token."
        : "This browser is not signed in any more.",
    );
  }
  if (row.secret_expires_at <= context.now().toISOString()) {
    throw new ProtocolError("token_expired", `This sign-in expired at ${row.secret_expires_at}.`);
  }
  return admit(context, row, address);
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
    .leftJoin("sign_ins", "sign_ins.token_id", "access_tokens.id")
    .selectAll("access_tokens")
    .select(["accounts.name", "accounts.admin", "accounts.disabled"])
    .select(["sign_ins.authenticated_at", "sign_ins.idle_expires_at"]);
}

async function admit(context: StoreContext, row: JoinedRow, address?: string): Promise<Identity> {
  const { now, unwritten } = context;
  if (row.revoked_at !== null || unwritten.isRevoked(row.id)) {
    throw new ProtocolError("token_revoked", "This access token was revoked.");
  }
  const expiry = earlier(row.expires_at, row.idle_expires_at);
  if (expiry !== null && expiry <= now().toISOString()) {
    throw new ProtocolError("token_expired", `This access token expired at ${expiry}.`);
  }
  if (row.disabled === 1 || unwritten.isDisabled(row.account_id)) {
    throw new ProtocolError("account_disabled", "This account is disabled: ask an administrator.");
  }
  await noteTokenUse(context, row, address);
  const admin = row.admin === 1;
  const scopes = parseScopes(row.scopes);
  return {
    account: { id: row.account_id, name: row.name, admin },
    tokenId: row.id,
    scopes: new Set(scopes.filter((scope) => admin || (scope !== "admin" && scope !== "scim"))),
    registers: registersWhat(row, scopes),
    kind: row.kind,
    authenticatedAt: row.authenticated_at === null ? null : new Date(row.authenticated_at),
    mintsUnder: row.kind === "browser" ? row.parent_id : row.id,
  };
}
