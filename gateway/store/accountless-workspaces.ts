// Accountless workspaces. Anybody can register them, so one address may have only a few, and a new one
// replaces one whose host has been offline for longest.

import type { Transaction } from "kysely";
import { ProtocolError } from "../../protocol/errors.ts";
import type { WorkspaceId } from "../../protocol/values/id.ts";
import { LIMITS } from "./context.ts";
import type { Tables } from "./database/schema.ts";

/**
 * Makes room for one more workspace of an address.
 * @param block the address (for IPv6 its /64)
 * @returns the ids of the workspaces that were deleted for it
 * @throws ProtocolError limit_reached: all workspaces of this address are online; gateway_full: there is no
 *   other to delete
 */
export async function makeRoom(
  transaction: Transaction<Tables>,
  block: string,
  isOnline: (id: WorkspaceId) => boolean,
): Promise<WorkspaceId[]> {
  const rows = await transaction
    .selectFrom("workspaces")
    .select(["id", "registered_from"])
    .where("owner_id", "is", null)
    .orderBy((order) => order.fn.coalesce("last_seen_at", "created_at"))
    .orderBy("id")
    .execute();
  const held = new Map<string | null, number>();
  for (const { registered_from } of rows) held.set(registered_from, (held.get(registered_from) ?? 0) + 1);
  const own = held.get(block) ?? 0;
  const isCrowded = own >= LIMITS.accountlessWorkspacesPerAddress;
  if (!isCrowded && rows.length < LIMITS.accountlessWorkspaces) return [];
  const mayGo = rows.filter(({ id, registered_from }) => {
    // An address gives up workspaces only for one that has fewer.
    const hasMore = registered_from === block || (!isCrowded && (held.get(registered_from) ?? 0) > own);
    return hasMore && !isOnline(id);
  });
  // The victim belongs to the address that has most, and was seen longest ago.
  const [victim] = mayGo.toSorted(
    (one, other) => (held.get(other.registered_from) ?? 0) - (held.get(one.registered_from) ?? 0),
  );
  if (victim === undefined) {
    throw isCrowded
      ? new ProtocolError(
          "limit_reached",
          `This address has ${own} workspaces without an account already, all of them online. Sign in to register more.`,
        )
      : new ProtocolError(
          "gateway_full",
          `This gateway already has ${LIMITS.accountlessWorkspaces} workspaces without an account. Sign in to register one.`,
        );
  }
  await transaction.deleteFrom("workspaces").where("id", "=", victim.id).execute();
  return [victim.id];
}
