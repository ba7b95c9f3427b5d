// Workspaces without an account: anybody makes them, so those of one address are few, and a new one takes the place of one that
// nobody has run for long.

import type { Transaction } from "kysely";
import { ProtocolError } from "../../protocol/errors.ts";
import type { WorkspaceId } from "../../protocol/values/id.ts";
import { LIMITS } from "./context.ts";
import type { Tables } from "./database/schema.ts";

/**
 * Makes room for one more of an address (its block). Returns what was forgotten for it.
 * @throws ProtocolError limit_reached: all of this address are online; gateway_full: none of others can go either
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
    // Nobody makes room for who has as much already.
    const isTheirs = registered_from === block || (!isCrowded && (held.get(registered_from) ?? 0) > own);
    return isTheirs && !isOnline(id);
  });
  // The longest unseen of whoever has most.
  const [victim] = mayGo.toSorted(
    (one, other) => (held.get(other.registered_from) ?? 0) - (held.get(one.registered_from) ?? 0),
  );
  if (victim === undefined) {
    throw isCrowded
      ? new ProtocolError(
          "limit_reached",
          `There are ${own} workspaces without an account of this address, all online; sign in to register more.`,
        )
      : new ProtocolError(
          "gateway_full",
          `This gateway has ${LIMITS.accountlessWorkspaces} open workspaces already; sign in to register one.`,
        );
  }
  await transaction.deleteFrom("workspaces").where("id", "=", victim.id).execute();
  return [victim.id];
}
