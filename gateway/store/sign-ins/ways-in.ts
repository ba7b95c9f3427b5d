// Nobody may lock themselves out by removing the last thing that they can sign in with.

import type { Transaction } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { AccountId } from "../../../protocol/values/id.ts";
import type { Tables } from "../database/schema.ts";
import { parseScopes } from "../tokens/scopes.ts";

/**
 * Call it in the transaction that has removed a passkey or an identity.
 * @throws ProtocolError forbidden: the account has no passkey, identity or access token that signs a browser in
 */
export async function requireWayIn(
  transaction: Transaction<Tables>,
  accountId: AccountId,
  now: Date,
): Promise<void> {
  for (const table of ["passkeys", "identities"] as const) {
    const row = await transaction
      .selectFrom(table)
      .select("id")
      .where("account_id", "=", accountId)
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) return;
  }
  const tokens = await transaction
    .selectFrom("access_tokens")
    .select("scopes")
    .where("account_id", "=", accountId)
    .where("kind", "=", "token")
    .where("revoked_at", "is", null)
    .where((or) => or.or([or("expires_at", "is", null), or("expires_at", ">", now.toISOString())]))
    .execute();
  if (tokens.some(({ scopes }) => parseScopes(scopes).includes("account"))) return;
  throw new ProtocolError(
    "forbidden",
    "This is the last thing that you can sign in with: add a passkey or make an access token first.",
  );
}
