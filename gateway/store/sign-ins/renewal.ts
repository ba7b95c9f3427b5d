// Renews a client's sign-in. Each refresh token is good once, and its second use ends the sign-in, since then two hold what
// only one may hold (RFC 9700 §4.14.2). For a short while a second use gets the same successor as the first one, since
// answers get lost and two windows ask at once. So there is always one refresh token only that leads on: a thief who copied
// one cannot stay beside its owner unnoticed.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Kysely, Transaction } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import { OAUTH_LIFETIMES } from "../../../protocol/sign-in/oauth.ts";
import type { AccountId, TokenId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import {
  equalHashes,
  hashToken,
  parseRefreshToken,
  type RefreshToken,
} from "../../../protocol/values/token.ts";
import type { StoreContext } from "../context.ts";
import type { Tables } from "../database/schema.ts";
import { parseScopes } from "../tokens/scopes.ts";
import { after, idleExpiry } from "./lifetimes.ts";
import { type ClientSecrets, newAccess, newRefresh } from "./secrets.ts";

/** How many renewals within the grace are followed. */
const MAX_STEPS = 20;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface RenewedClient extends ClientSecrets {
  readonly id: TokenId;
  readonly account: { readonly id: AccountId; readonly name: Name };
  /** As stored. */
  readonly scopes: string;
}

export interface PresentedRefresh {
  /** As it came from the wire. */
  readonly refresh: string;
  /** Scopes, separated by blanks: a renewal has those that it had before. Missing: not named. */
  readonly scope?: string | undefined;
  readonly client: string;
  readonly address: string;
}

/** See `SignIns.renewClient`. */
export async function renewClient(
  context: StoreContext,
  presented: PresentedRefresh,
): Promise<RenewedClient> {
  const { db, now, audit } = context;
  const { client, address } = presented;
  const refresh = parseRefreshToken(presented.refresh);
  const time = now();
  // Somebody who guesses must not take the database's write lock.
  requireSameScopes(await livingRow(context, db, refresh, client, time), presented.scope);
  // The database decides between two that ask at once, in different processes too.
  const { row, secrets } = await db.transaction().execute(async (transaction) => {
    const found = await livingRow(context, transaction, refresh, client, time);
    const current = await currentToken(transaction, found.id, refresh, time);
    if (current === "reused") return { row: found, secrets: undefined };
    const access = await newAccess(transaction, found.id, time);
    await noteRenewal(transaction, found.id, address, time);
    return { row: found, secrets: { access, refresh: current } };
  });
  const { id, account_id, name, scopes, last_used_from: before } = row;
  if (secrets === undefined) {
    // Nobody can tell which of the two is the thief, so both have to sign in again.
    audit({ event: "sign-in.reused", account: name, address, token: id });
    await context.endToken(account_id, id, { account: name, address });
    throw new ProtocolError("token_revoked", "This refresh token was used twice, so the sign-in was ended.");
  }
  if (before !== address) {
    audit({
      event: "sign-in.renewed",
      account: name,
      address,
      token: id,
      detail: "from a different address",
    });
  }
  return { ...secrets, id, account: { id: account_id, name }, scopes };
}

/** @throws ProtocolError token_unknown, token_revoked, token_expired, account_disabled */
async function livingRow(
  { unwritten }: StoreContext,
  db: Kysely<Tables>,
  refresh: RefreshToken,
  client: string,
  time: Date,
) {
  const hash = hashToken(refresh);
  const at = time.toISOString();
  const row = await db
    .selectFrom("sign_in_secrets")
    .innerJoin("access_tokens", "access_tokens.id", "sign_in_secrets.token_id")
    .innerJoin("sign_ins", "sign_ins.token_id", "access_tokens.id")
    .innerJoin("accounts", "accounts.id", "access_tokens.account_id")
    .select(["sign_in_secrets.hash", "sign_in_secrets.expires_at"])
    .select(["access_tokens.id", "access_tokens.account_id", "access_tokens.revoked_at"])
    .select(["access_tokens.scopes", "access_tokens.last_used_from", "access_tokens.expires_at as end"])
    .select(["sign_ins.client", "accounts.name", "accounts.disabled"])
    .where("sign_in_secrets.hash", "=", hash)
    .where("sign_in_secrets.kind", "=", "refresh")
    .executeTakeFirst();
  if (row === undefined || !equalHashes(row.hash, hash) || row.client !== client) {
    throw new ProtocolError("token_unknown", "This gateway does not know this refresh token.");
  }
  if (row.revoked_at !== null || unwritten.isRevoked(row.id)) {
    throw new ProtocolError("token_revoked", "This sign-in was ended.");
  }
  if (row.expires_at <= at || (row.end !== null && row.end <= at)) {
    throw new ProtocolError("token_expired", "This sign-in has expired.");
  }
  if (row.disabled === 1 || unwritten.isDisabled(row.account_id)) {
    throw new ProtocolError("account_disabled", "This account is disabled: ask an administrator.");
  }
  return row;
}

/** @throws ProtocolError scope_missing */
function requireSameScopes({ scopes }: { readonly scopes: string }, wanted: string | undefined): void {
  if (wanted === undefined) return;
  const before: readonly string[] = parseScopes(scopes);
  const words = new Set(wanted.split(" "));
  if (words.size === before.length && before.every((scope) => words.has(scope))) return;
  throw new ProtocolError("scope_missing", "A renewed sign-in has the scopes that it had before.");
}

/** The refresh token that leads on: a new one or, within the grace, the one that was given for `presented` before. */
async function currentToken(
  transaction: Transaction<Tables>,
  id: TokenId,
  presented: RefreshToken,
  time: Date,
): Promise<RefreshToken | "reused"> {
  let token = presented;
  for (let step = 0; step < MAX_STEPS; step++) {
    const secret = await transaction
      .selectFrom("sign_in_secrets")
      .select(["replaced_at", "successor"])
      .where("hash", "=", hashToken(token))
      .executeTakeFirst();
    if (secret === undefined) return "reused";
    if (secret.replaced_at === null) {
      return token === presented ? await replace(transaction, id, token, time) : token;
    }
    if (secret.replaced_at <= after(time, -OAUTH_LIFETIMES.refreshGrace) || secret.successor === null) {
      return "reused";
    }
    token = openSuccessor(token, secret.successor);
  }
  return "reused";
}

async function replace(
  transaction: Transaction<Tables>,
  id: TokenId,
  token: RefreshToken,
  time: Date,
): Promise<RefreshToken> {
  const next = await newRefresh(transaction, id, time);
  await transaction
    .updateTable("sign_in_secrets")
    .set({ replaced_at: time.toISOString(), successor: sealSuccessor(token, next) })
    .where("hash", "=", hashToken(token))
    .execute();
  // After the grace a replaced token must lead nowhere, not even with a copy of the database.
  await transaction
    .updateTable("sign_in_secrets")
    .set({ successor: null })
    .where("token_id", "=", id)
    .where("replaced_at", "<=", after(time, -OAUTH_LIFETIMES.refreshGrace))
    .execute();
  return next;
}

async function noteRenewal(
  transaction: Transaction<Tables>,
  id: TokenId,
  address: string,
  time: Date,
): Promise<void> {
  await transaction
    .updateTable("access_tokens")
    .set({ last_used_at: time.toISOString(), last_used_from: address })
    .where("id", "=", id)
    .execute();
  await transaction
    .updateTable("sign_ins")
    .set({ idle_expires_at: idleExpiry("client", time) })
    .where("token_id", "=", id)
    .execute();
}

function sealSuccessor(token: RefreshToken, next: RefreshToken): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", successorKey(token), nonce);
  return Buffer.concat([nonce, cipher.update(next, "utf8"), cipher.final(), cipher.getAuthTag()]).toString(
    "base64url",
  );
}

function openSuccessor(token: RefreshToken, sealed: string): RefreshToken {
  const bytes = Buffer.from(sealed, "base64url");
  const decipher = createDecipheriv("aes-256-gcm", successorKey(token), bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const opened = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
  return parseRefreshToken(Buffer.concat(opened).toString("utf8"));
}

function successorKey(token: RefreshToken): Buffer {
  return Buffer.from(hkdfSync("sha256", token, "", "sallyport successor", 32));
}
