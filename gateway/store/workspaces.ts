// Workspaces: which account may reach which, listing, renaming, deleting and pruning them.

import { ProtocolError } from "../../protocol/errors.ts";
import { folderOf } from "../../protocol/values/folder.ts";
import type { AccountId, WorkspaceId } from "../../protocol/values/id.ts";
import type { Name, WorkspaceRef } from "../../protocol/values/name.ts";
import type { AccountIdentity, Identity, WorkspaceRecord } from "../directory.ts";
import { type Actor, daysBefore, LIMITS, type StoreContext } from "./context.ts";
import type { WorkspaceRow } from "./database/schema.ts";
import { parseHeld, parseHostKeys } from "./keys/held-host-keys.ts";
import { shareHolds } from "./shares/share-end.ts";
import type { Durability } from "./unwritten.ts";

export type OwnedWorkspace = WorkspaceRecord & { readonly owner: NonNullable<WorkspaceRecord["owner"]> };
type JoinedRow = WorkspaceRow & { owner_name: Name | null };

export class Workspaces {
  readonly #context: StoreContext;
  readonly #accountlessIds: Set<WorkspaceId>;

  /** @param accountlessIds is kept up to date with the accountless workspaces, whose ids are secrets */
  constructor(context: StoreContext, accountlessIds: Set<WorkspaceId>) {
    this.#context = context;
    this.#accountlessIds = accountlessIds;
  }

  async get(id: WorkspaceId): Promise<WorkspaceRecord | undefined> {
    const row = await this.#select().where("workspaces.id", "=", id).executeTakeFirst();
    return row === undefined || this.#context.unwritten.isRemoved(id) ? undefined : this.#record(row);
  }

  /**
   * @throws ProtocolError workspace_unknown, the same for one that does not exist and one of another account
   */
  async resolve(ref: WorkspaceRef, identity: AccountIdentity | null): Promise<WorkspaceRecord> {
    const found = await this.#find(ref, identity);
    if (found !== undefined && (await this.#mayReach(found, identity))) return found;
    throw new ProtocolError(
      "workspace_unknown",
      "There is no such workspace, or it is not shared with you.",
      {
        field: "workspace",
      },
    );
  }

  /**
   * The same for an action that only the owner may take.
   * @throws ProtocolError workspace_unknown, forbidden
   */
  async resolveOwned(ref: WorkspaceRef, identity: Identity): Promise<OwnedWorkspace> {
    const found = await this.resolve(ref, identity);
    if (isOwned(found) && found.owner.id === identity.account.id) return found;
    throw new ProtocolError("forbidden", "Only the owner of the workspace may do this.");
  }

  /** The account's own workspaces and those shared with it, by name. */
  async list(accountId: AccountId): Promise<OwnedWorkspace[]> {
    const { db, now } = this.#context;
    const rows = await this.#select()
      .where((or) =>
        or.or([
          or("workspaces.owner_id", "=", accountId),
          or(
            "workspaces.id",
            "in",
            db
              .selectFrom("shares")
              .select("workspace_id")
              .where("account_id", "=", accountId)
              .where("accepted_at", "is not", null)
              .where(shareHolds(now())),
          ),
        ]),
      )
      .orderBy("workspaces.name")
      .orderBy("workspaces.id")
      .execute();
    const { unwritten } = this.#context;
    return rows
      .map((row) => this.#record(row))
      .filter(isOwned)
      .filter(({ id }) => !unwritten.isOutOfReach(id, accountId));
  }

  /** A workspace, if the account may see it. */
  async visible(id: WorkspaceId, accountId: AccountId): Promise<OwnedWorkspace | undefined> {
    const found = await this.get(id);
    if (found === undefined || !isOwned(found)) return undefined;
    if (found.owner.id === accountId || (await this.#isShared(id, accountId))) return found;
    return undefined;
  }

  /** The accounts that may see a workspace. */
  async audience(id: WorkspaceId): Promise<AccountId[]> {
    const { db } = this.#context;
    const row = await db.selectFrom("workspaces").select("owner_id").where("id", "=", id).executeTakeFirst();
    if (row === undefined || row.owner_id === null) return [];
    const shares = await db
      .selectFrom("shares")
      .select("account_id")
      .where("workspace_id", "=", id)
      .where("accepted_at", "is not", null)
      .execute();
    return [row.owner_id, ...shares.map((share) => share.account_id)];
  }

  /** @throws ProtocolError name_taken, workspace_unknown */
  async rename(workspace: OwnedWorkspace, name: Name, actor: Actor): Promise<void> {
    const { db, changed, audit } = this.#context;
    await db.transaction().execute(async (transaction) => {
      const other = await transaction
        .selectFrom("workspaces")
        .select("id")
        .where("owner_id", "=", workspace.owner.id)
        .where("name", "=", name)
        .where("id", "!=", workspace.id)
        .executeTakeFirst();
      if (other !== undefined) {
        throw new ProtocolError("name_taken", `You already have a workspace ${name}.`, { field: "name" });
      }
      const { numUpdatedRows } = await transaction
        .updateTable("workspaces")
        .set({ name })
        .where("id", "=", workspace.id)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw gone();
    });
    audit({
      event: "workspace.renamed",
      account: actor.account,
      address: actor.address,
      workspace: workspace.id,
      detail: `${workspace.name} to ${name}`,
    });
    changed({ kind: "workspace", id: workspace.id });
    for (const accountId of await offers(db, workspace.id)) changed({ kind: "offers", accountId });
  }

  /** Removes a workspace with its shares and owner tokens. @throws ProtocolError workspace_unknown */
  async remove(workspace: WorkspaceRecord, actor: Actor): Promise<Durability> {
    return await this.#context.unwritten.revoke(
      () => this.#writeRemoved(workspace, actor),
      async () => {
        if ((await this.get(workspace.id)) === undefined) throw gone();
        return [{ kind: "workspace-removed", id: workspace.id }];
      },
    );
  }

  async #writeRemoved(workspace: WorkspaceRecord, actor: Actor): Promise<void> {
    const { db, changed, audit } = this.#context;
    const offeredTo = await offers(db, workspace.id);
    const { numDeletedRows } = await db
      .deleteFrom("workspaces")
      .where("id", "=", workspace.id)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw gone();
    audit({
      event: "workspace.removed",
      account: actor.account,
      address: actor.address,
      workspace: workspace.id,
      detail: workspace.name,
    });
    changed({ kind: "workspace-removed", id: workspace.id });
    for (const accountId of offeredTo) changed({ kind: "offers", accountId });
  }

  async seen(id: WorkspaceId): Promise<void> {
    const { db, now } = this.#context;
    await db
      .updateTable("workspaces")
      .set({ last_seen_at: now().toISOString() })
      .where("id", "=", id)
      .execute();
  }

  /** Deletes accountless workspaces whose host has been offline for a week. Returns how many. */
  async pruneAccountless(isOnline: (id: WorkspaceId) => boolean): Promise<number> {
    const { db, now, changed, audit } = this.#context;
    const limit = daysBefore(now(), LIMITS.accountlessWorkspaceDays);
    const rows = await db
      .selectFrom("workspaces")
      .select(["id"])
      .where("owner_id", "is", null)
      .where((or) =>
        or.or([
          or("last_seen_at", "<", limit),
          or.and([or("last_seen_at", "is", null), or("created_at", "<", limit)]),
        ]),
      )
      .execute();
    const ids = rows.map((row) => row.id).filter((id) => !isOnline(id));
    if (ids.length === 0) return 0;
    await db.deleteFrom("workspaces").where("id", "in", ids).execute();
    audit({ event: "workspace.pruned", detail: `${ids.length} accountless workspaces, offline for a week` });
    for (const id of ids) {
      changed({ kind: "workspace-removed", id });
      this.#accountlessIds.delete(id);
    }
    return ids.length;
  }

  #select() {
    return this.#context.db
      .selectFrom("workspaces")
      .leftJoin("accounts", "accounts.id", "workspaces.owner_id")
      .selectAll("workspaces")
      .select("accounts.name as owner_name");
  }

  async #find(ref: WorkspaceRef, identity: AccountIdentity | null): Promise<WorkspaceRecord | undefined> {
    if (ref.kind === "id") return this.get(ref.id);
    if (identity === null) return undefined;
    const owner = ref.owner ?? identity.account.name;
    const row = await this.#select()
      .where("workspaces.name", "=", ref.name)
      .where("accounts.name", "=", owner)
      .executeTakeFirst();
    return row === undefined || this.#context.unwritten.isRemoved(row.id) ? undefined : this.#record(row);
  }

  async #mayReach(workspace: WorkspaceRecord, identity: AccountIdentity | null): Promise<boolean> {
    // An accountless workspace can only be found by its id, which is the secret that opens it.
    if (workspace.owner === null) return true;
    if (identity === null) return false;
    return (
      workspace.owner.id === identity.account.id || (await this.#isShared(workspace.id, identity.account.id))
    );
  }

  async #isShared(id: WorkspaceId, accountId: AccountId): Promise<boolean> {
    if (this.#context.unwritten.isOutOfReach(id, accountId)) return false;
    const share = await this.#context.db
      .selectFrom("shares")
      .select("account_id")
      .where("workspace_id", "=", id)
      .where("account_id", "=", accountId)
      .where("accepted_at", "is not", null)
      .where(shareHolds(this.#context.now()))
      .executeTakeFirst();
    return share !== undefined;
  }

  #record(row: JoinedRow): WorkspaceRecord {
    return {
      id: row.id,
      name: row.name,
      owner:
        row.owner_id === null || row.owner_name === null ? null : { id: row.owner_id, name: row.owner_name },
      hostKeys: parseHostKeys(row.host_keys),
      heldHostKeys: parseHeld(row.held_host_keys),
      acceptedHostKey: row.accepted_host_key,
      endToEndOnly: row.end_to_end_only === 1,
      ownerTokens: row.owner_tokens === 1,
      frozen: row.frozen_at !== null || this.#context.unwritten.isFrozen(row.id),
      browserUrl: row.browser_url,
      // Earlier versions took folders that clients now refuse, together with the whole list.
      folder: folderOf(row.folder) ?? null,
      createdAt: new Date(row.created_at),
      lastSeenAt: row.last_seen_at === null ? null : new Date(row.last_seen_at),
    };
  }
}

export function isOwned(workspace: WorkspaceRecord): workspace is OwnedWorkspace {
  return workspace.owner !== null;
}

/** The accounts that have not answered an offer of this workspace. */
async function offers(db: StoreContext["db"], id: WorkspaceId): Promise<AccountId[]> {
  const rows = await db
    .selectFrom("shares")
    .select("account_id")
    .where("workspace_id", "=", id)
    .where("accepted_at", "is", null)
    .execute();
  return rows.map((row) => row.account_id);
}

function gone(): ProtocolError {
  return new ProtocolError("workspace_unknown", "This workspace was removed just now.", {
    field: "workspace",
  });
}
