// The secrets of sign-ins: a browser's cookie, and the access and refresh tokens of a client. Only hashes are stored.

import { ProtocolError } from "../../../protocol/errors.ts";
import { OAUTH_LIFETIMES } from "../../../protocol/sign-in/oauth.ts";
import type { AccountId, TokenId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import {
  type AccessToken,
  equalHashes,
  hashToken,
  newAccessToken,
  newRefreshToken,
  newSessionSecret,
  parseRefreshToken,
  type RefreshToken,
  type SessionSecret,
} from "../../../protocol/values/token.ts";
import { type Actor, LIMITS, type StoreContext } from "../context.ts";
import { after, idleExpiry } from "./lifetimes.ts";

export interface ClientSecrets {
  readonly access: AccessToken;
  readonly refresh: RefreshToken;
}

export async function newSession(
  { db, now }: StoreContext,
  id: TokenId,
  seconds: number,
): Promise<SessionSecret> {
  const secret = newSessionSecret();
  await db
    .insertInto("sign_in_secrets")
    .values({
      hash: hashToken(secret),
      token_id: id,
      kind: "session",
      expires_at: after(now(), seconds),
      replaced_at: null,
    })
    .execute();
  return secret;
}

/** @throws ProtocolError limit_reached: somebody asks for secrets in a loop */
export async function newClientSecrets({ db, now }: StoreContext, id: TokenId): Promise<ClientSecrets> {
  const { count } = await db
    .selectFrom("sign_in_secrets")
    .select((select) => select.fn.countAll<number>().as("count"))
    .where("token_id", "=", id)
    .executeTakeFirstOrThrow();
  if (Number(count) >= LIMITS.secretsPerSignIn) {
    throw new ProtocolError("limit_reached", "This sign-in was renewed too often: sign in again.");
  }
  const access = newAccessToken();
  const refresh = newRefreshToken();
  const time = now();
  await db
    .insertInto("sign_in_secrets")
    .values([
      {
        hash: hashToken(access),
        token_id: id,
        kind: "access",
        expires_at: after(time, OAUTH_LIFETIMES.access),
        replaced_at: null,
      },
      {
        hash: hashToken(refresh),
        token_id: id,
        kind: "refresh",
        expires_at: after(time, OAUTH_LIFETIMES.refresh),
        replaced_at: null,
      },
    ])
    .execute();
  return { access, refresh };
}

export interface RenewedClient extends ClientSecrets {
  readonly id: TokenId;
  readonly account: { readonly id: AccountId; readonly name: Name };
  /** As stored. */
  readonly scopes: string;
}

/** See `SignIns.renewClient`. */
export async function renewClient(
  context: StoreContext,
  refreshToken: string,
  client: string,
  { address }: Omit<Actor, "account">,
): Promise<RenewedClient> {
  const { db, now, unwritten } = context;
  const hash = hashToken(parseRefreshToken(refreshToken));
  const row = await db
    .selectFrom("sign_in_secrets")
    .innerJoin("access_tokens", "access_tokens.id", "sign_in_secrets.token_id")
    .innerJoin("sign_ins", "sign_ins.token_id", "access_tokens.id")
    .innerJoin("accounts", "accounts.id", "access_tokens.account_id")
    .select(["sign_in_secrets.hash", "sign_in_secrets.expires_at", "sign_in_secrets.replaced_at"])
    .select([
      "access_tokens.id",
      "access_tokens.account_id",
      "access_tokens.revoked_at",
      "access_tokens.scopes",
    ])
    .select(["access_tokens.expires_at as end", "sign_ins.client", "accounts.name", "accounts.disabled"])
    .where("sign_in_secrets.hash", "=", hash)
    .where("sign_in_secrets.kind", "=", "refresh")
    .executeTakeFirst();
  if (row === undefined || !equalHashes(row.hash, hash) || row.client !== client) {
    throw new ProtocolError("token_unknown", "This gateway does not know this refresh token.");
  }
  if (row.revoked_at !== null || unwritten.isRevoked(row.id)) {
    throw new ProtocolError("token_revoked", "This sign-in was ended.");
  }
  const time = now();
  const at = time.toISOString();
  if (row.expires_at <= at || (row.end !== null && row.end <= at)) {
    throw new ProtocolError("token_expired", "This sign-in has expired.");
  }
  if (row.disabled === 1 || unwritten.isDisabled(row.account_id)) {
    throw new ProtocolError("account_disabled", "This account is disabled: ask an administrator.");
  }
  if (row.replaced_at !== null && row.replaced_at <= after(time, -OAUTH_LIFETIMES.refreshGrace)) {
    // Two hold what only one may hold. Nobody can tell which of them is the thief, so both have to sign in again.
    context.audit({ event: "sign-in.reused", account: row.name, address, token: row.id });
    await context.endToken(row.account_id, row.id, { account: row.name, address });
    throw new ProtocolError("token_revoked", "This refresh token was used twice, so the sign-in was ended.");
  }
  const secrets = await newClientSecrets(context, row.id);
  await db.transaction().execute(async (transaction) => {
    await transaction
      .updateTable("sign_in_secrets")
      .set({ replaced_at: at })
      .where("hash", "=", hash)
      .where("replaced_at", "is", null)
      .execute();
    await transaction
      .updateTable("sign_ins")
      .set({ idle_expires_at: idleExpiry("client", time) })
      .where("token_id", "=", row.id)
      .execute();
  });
  return { ...secrets, id: row.id, account: { id: row.account_id, name: row.name }, scopes: row.scopes };
}
