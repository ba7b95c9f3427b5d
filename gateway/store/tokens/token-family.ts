// Tokens that tokens have made. A token's children do not outlive it: they expire with it at the latest, and revoking it
// revokes them, and theirs.

import type { Kysely, Transaction } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { TokenId } from "../../../protocol/values/id.ts";
import type { Tables } from "../database/schema.ts";

/** A token of the gateway's own making is 0; each generation below it counts one more. */
const MAX_DEPTH = 8;

export interface Birth {
  readonly parentId: TokenId | null;
  readonly depth: number;
  /** As asked for, or the parent's where that is earlier. */
  readonly expiresAt: string | null;
}

/**
 * What a new token gets from the one that makes it.
 * @param parentId null: the gateway itself makes it
 * @throws ProtocolError token_revoked, token_expired: the parent has ended meanwhile; limit_reached
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
    throw new ProtocolError("token_revoked", "Your access token was revoked just now.");
  }
  if (parent.expires_at !== null && parent.expires_at <= now.toISOString()) {
    throw new ProtocolError("token_expired", "Your access token has expired just now.");
  }
  if (parent.depth >= MAX_DEPTH) {
    throw new ProtocolError(
      "limit_reached",
      `Tokens make tokens for ${MAX_DEPTH} generations: use one that is nearer to the first.`,
    );
  }
  return { parentId, depth: parent.depth + 1, expiresAt: earlier(wantedExpiry, parent.expires_at) };
}

/**
 * Revokes a token's descendants: access tokens and owner tokens.
 * @returns the ids of those that were live
 */
export async function revokeDescendants(
  transaction: Transaction<Tables>,
  id: TokenId,
  at: string,
): Promise<TokenId[]> {
  const ended: TokenId[] = [];
  // A generation at a time: those of a token that is dead are dead already, or die here as well.
  for (let parents: TokenId[] = [id]; parents.length > 0; ) {
    const owner = await transaction
      .updateTable("owner_tokens")
      .set({ revoked_at: at })
      .where("parent_id", "in", parents)
      .where("revoked_at", "is", null)
      .returning("id")
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

function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

/** Tokens that a token has made, and those that they have made, as far as they are not revoked. Changes nothing. */
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
