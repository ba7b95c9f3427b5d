// Tokens that were made by other tokens. A token's children do not outlive it: they expire no later than it
// does, and revoking it revokes them and their children.

import type { Kysely, Transaction } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { TokenId } from "../../../protocol/values/id.ts";
import type { Tables } from "../database/schema.ts";

/** A token that the gateway itself makes has depth 0; each generation adds one. */
const MAX_DEPTH = 8;

interface Birth {
  readonly parentId: TokenId | null;
  readonly depth: number;
  /** The requested expiry, or the parent's where that is earlier. */
  readonly expiresAt: string | null;
}

/**
 * What a new token inherits from its parent.
 * @param parentId null: the gateway itself makes the token
 * @throws ProtocolError token_revoked, token_expired: the parent has ended; limit_reached
 */
export async function birthOf(
  transaction: Transaction<Tables>,
  parentId: TokenId | null,
  wantedExpiry: string | null,
  now: Date,
): Promise<Birth> {
  if (parentId === null) return { parentId, depth: 0, expiresAt: wantedExpiry };
  const parent = await transaction
    .selectFrom("access_tokens")
    .select(["depth", "expires_at", "revoked_at"])
    .where("id", "=", parentId)
    .executeTakeFirst();
  if (parent === undefined || parent.revoked_at !== null) {
    throw new ProtocolError("token_revoked", "Your access token has just been revoked.");
  }
  if (parent.expires_at !== null && parent.expires_at <= now.toISOString()) {
    throw new ProtocolError("token_expired", "Your access token has just expired.");
  }
  if (parent.depth >= MAX_DEPTH) {
    throw new ProtocolError(
      "limit_reached",
      `Tokens can make further tokens for at most ${MAX_DEPTH} generations. Use a token of an earlier generation.`,
    );
  }
  return { parentId, depth: parent.depth + 1, expiresAt: earlier(wantedExpiry, parent.expires_at) };
}

/**
 * Revokes a token's descendants, access tokens and owner tokens, and removes the passkeys and invitations that were made
 * with any of them.
 * @returns the ids of those that were not revoked before
 */
export async function revokeDescendants(
  transaction: Transaction<Tables>,
  id: TokenId,
  at: string,
): Promise<TokenId[]> {
  const ended: TokenId[] = [];
  // One generation at a time. Children of a revoked token are included: a grandchild may still be live.
  for (let parents: TokenId[] = [id]; parents.length > 0; ) {
    const owner = await transaction
      .updateTable("owner_tokens")
      .set({ revoked_at: at })
      .where("parent_id", "in", parents)
      .where("revoked_at", "is", null)
      .returning("id")
      .execute();
    await transaction.deleteFrom("passkeys").where("parent_id", "in", parents).execute();
    await transaction
      .deleteFrom("invitations")
      .where("parent_id", "in", parents)
      .where("used_at", "is", null)
      .execute();
    const children = await transaction
      .selectFrom("access_tokens")
      .select(["id", "revoked_at"])
      .where("parent_id", "in", parents)
      .execute();
    await transaction
      .updateTable("access_tokens")
      .set({ revoked_at: at })
      .where("parent_id", "in", parents)
      .where("revoked_at", "is", null)
      .execute();
    ended.push(...owner.map((row) => row.id));
    ended.push(...children.filter((row) => row.revoked_at === null).map((row) => row.id));
    parents = children.map((row) => row.id);
  }
  return ended;
}

export function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

/** A token's descendants that are not revoked. */
export async function livingDescendants(db: Kysely<Tables>, id: TokenId): Promise<TokenId[]> {
  const found: TokenId[] = [];
  for (let parents: readonly TokenId[] = [id]; parents.length > 0; ) {
    const children: TokenId[] = [];
    for (const table of ["access_tokens", "owner_tokens"] as const) {
      const rows = await db
        .selectFrom(table)
        .select("id")
        .where("parent_id", "in", parents)
        .where("revoked_at", "is", null)
        .execute();
      children.push(...rows.map((row) => row.id));
    }
    found.push(...children);
    parents = children;
  }
  return found;
}
