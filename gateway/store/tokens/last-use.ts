// When a token was last used, written at most once a minute: checking a token must not turn into a write each
// time.

import type { StoreContext } from "../context.ts";
import type { AccessTokenRow, OwnerTokenRow } from "../database/schema.ts";
import { idleExpiry } from "../sign-ins/lifetimes.ts";
import { unlessUnwritable } from "../unwritten.ts";

const LAST_USED_MS = 60_000;

/** A database that cannot be written, as on a full disk, does not keep anybody out. */
export async function noteUse(
  { db, now }: StoreContext,
  { id, last_used_at }: Pick<OwnerTokenRow, "id" | "last_used_at">,
): Promise<void> {
  const time = now();
  if (!isDue(last_used_at, time)) return;
  await db
    .updateTable("owner_tokens")
    .set({ last_used_at: time.toISOString() })
    .where("id", "=", id)
    .execute()
    .catch(unlessUnwritable);
}

/**
 * The same for access tokens and sign-ins, with the address. Use keeps a sign-in from ending.
 * @param address the client's; missing: the token of an open connection is checked again, which is not a use
 */
export async function noteTokenUse(
  { db, now }: StoreContext,
  { id, kind, last_used_at }: AccessTokenRow,
  address: string | undefined,
): Promise<void> {
  // It would hide the next use, which keeps the sign-in and whose address people look at.
  if (kind !== "token" && address === undefined) return;
  const time = now();
  if (!isDue(last_used_at, time)) return;
  const at = time.toISOString();
  await db
    .updateTable("access_tokens")
    .set({ last_used_at: at, ...(address === undefined ? {} : { last_used_from: address }) })
    .where("id", "=", id)
    .execute()
    .catch(unlessUnwritable);
  if (kind === "token") return;
  await db
    .updateTable("sign_ins")
    .set({ idle_expires_at: idleExpiry(kind, time) })
    .where("token_id", "=", id)
    .execute()
    .catch(unlessUnwritable);
}

function isDue(last: string | null, time: Date): boolean {
  return last === null || last <= lastUseBefore(time);
}

/** A use is noted if the one before was not after this time. */
export function lastUseBefore(time: Date): string {
  return new Date(time.getTime() - LAST_USED_MS).toISOString();
}
