// The secrets of sign-ins: a browser's cookie, and the access and refresh tokens of a client. Only hashes are stored.

import type { Kysely } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import { OAUTH_LIFETIMES } from "../../../protocol/sign-in/oauth.ts";
import type { TokenId } from "../../../protocol/values/id.ts";
import {
  type AccessToken,
  hashToken,
  newAccessToken,
  newRefreshToken,
  newSessionSecret,
  type RefreshToken,
  type SessionSecret,
} from "../../../protocol/values/token.ts";
import { LIMITS, type StoreContext } from "../context.ts";
import type { Tables } from "../database/schema.ts";
import { after } from "./lifetimes.ts";

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
  await insertSecret(db, id, "session", hashToken(secret), after(now(), seconds));
  return secret;
}

export async function newClientSecrets({ db, now }: StoreContext, id: TokenId): Promise<ClientSecrets> {
  const time = now();
  return { access: await newAccess(db, id, time), refresh: await newRefresh(db, id, time) };
}

/** @throws ProtocolError limit_reached: somebody asks for secrets in a loop */
export async function newAccess(db: Kysely<Tables>, id: TokenId, time: Date): Promise<AccessToken> {
  const { count } = await db
    .selectFrom("sign_in_secrets")
    .select((select) => select.fn.countAll<number>().as("count"))
    .where("token_id", "=", id)
    .executeTakeFirstOrThrow();
  if (Number(count) >= LIMITS.secretsPerSignIn) {
    throw new ProtocolError("limit_reached", "This sign-in was renewed too often: sign in again.");
  }
  const access = newAccessToken();
  await insertSecret(db, id, "access", hashToken(access), after(time, OAUTH_LIFETIMES.access));
  return access;
}

export async function newRefresh(db: Kysely<Tables>, id: TokenId, time: Date): Promise<RefreshToken> {
  const refresh = newRefreshToken();
  await insertSecret(db, id, "refresh", hashToken(refresh), after(time, OAUTH_LIFETIMES.refresh));
  return refresh;
}

async function insertSecret(
  db: Kysely<Tables>,
  id: TokenId,
  kind: "session" | "access" | "refresh",
  hash: string,
  expiresAt: string,
): Promise<void> {
  await db
    .insertInto("sign_in_secrets")
    .values({ hash, token_id: id, kind, expires_at: expiresAt, replaced_at: null, successor: null })
    .execute();
}
