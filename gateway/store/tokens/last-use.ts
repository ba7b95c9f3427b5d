// When a token was last used, written at most once a minute: checking a token must not turn into a write each
// time.

import type { StoreContext } from "../context.ts";
import type { AccessTokenRow, OwnerTokenRow } from "../database/schema.ts";
import { unlessUnwritable } from "../unwritten.ts";

const LAST_USED_MS = 60_000;

/** A database that cannot be written, as on a full disk, does not keep anybody out. */
export async function noteUse(
  { db, now }: StoreContext,
  table: "access_tokens" | "owner_tokens",
  { id, last_used_at }: Pick<AccessTokenRow | OwnerTokenRow, "id" | "last_used_at">,
): Promise<void> {
  const time = now();
  const before = new Date(time.getTime() - LAST_USED_MS).toISOString();
  if (last_used_at !== null && last_used_at > before) return;
  await db
    .updateTable(table)
    .set({ last_used_at: time.toISOString() })
    .where("id", "=", id)
    .execute()
    .catch(unlessUnwritable);
}
