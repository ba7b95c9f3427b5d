// Lists of shares and offers: of one workspace, of all workspaces of their owner, and those that an account got. A share that
// has ended but could not be removed yet is in none of them.

import type { GivenShare, Share, SharedWithMe } from "../../../protocol/api.ts";
import type { AccountId, WorkspaceId } from "../../../protocol/values/id.ts";
import type { StoreContext } from "../context.ts";
import { shareHolds } from "./share-end.ts";

/** The workspaces that are shared with an account or offered to it; with `only`, the offers. */
export async function sharedWith(
  { db, now, unwritten }: StoreContext,
  accountId: AccountId,
  only?: "pending",
): Promise<SharedWithMe[]> {
  let query = db
    .selectFrom("shares")
    .innerJoin("workspaces", "workspaces.id", "shares.workspace_id")
    .innerJoin("accounts", "accounts.id", "workspaces.owner_id")
    .select([
      "workspaces.id",
      "workspaces.name",
      "accounts.name as owner",
      "shares.created_at",
      "shares.accepted_at",
      "shares.expires_at",
    ])
    .where("shares.account_id", "=", accountId)
    .where(shareHolds(now()))
    .orderBy("shares.created_at")
    .orderBy("workspaces.id");
  if (only === "pending") query = query.where("shares.accepted_at", "is", null);
  const rows = (await query.execute()).filter(({ id }) => !unwritten.isOutOfReach(id, accountId));
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    owner: row.owner,
    pending: row.accepted_at === null,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }));
}

/** With whom an account shares its workspaces, by the workspace's name. */
export async function sharedBy(context: StoreContext, ownerId: AccountId): Promise<GivenShare[]> {
  const rows = await withAccounts(context)
    .where("workspaces.owner_id", "=", ownerId)
    .orderBy("workspaces.name")
    .orderBy("accounts.name")
    .execute();
  return holding(context, rows).map((row) => ({ id: row.id, name: row.name, ...shareBody(row) }));
}

export async function sharesOf(context: StoreContext, workspaceId: WorkspaceId): Promise<Share[]> {
  const rows = await withAccounts(context)
    .where("workspaces.id", "=", workspaceId)
    .orderBy("accounts.name")
    .execute();
  return holding(context, rows).map(shareBody);
}

function withAccounts({ db, now }: StoreContext) {
  return db
    .selectFrom("shares")
    .innerJoin("workspaces", "workspaces.id", "shares.workspace_id")
    .innerJoin("accounts", "accounts.id", "shares.account_id")
    .select(["workspaces.id", "workspaces.name", "accounts.id as account_id", "accounts.name as account"])
    .select(["shares.created_at", "shares.accepted_at", "shares.expires_at"])
    .where(shareHolds(now()));
}
type Row = Awaited<ReturnType<ReturnType<typeof withAccounts>["execute"]>>[number];

function holding({ unwritten }: StoreContext, rows: readonly Row[]): Row[] {
  return rows.filter((row) => !unwritten.isOutOfReach(row.id, row.account_id));
}

function shareBody(row: Row) {
  return {
    account: row.account,
    pending: row.accepted_at === null,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
