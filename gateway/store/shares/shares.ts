// Workspace shares. The owner offers a workspace to another account, which accepts or declines the offer and
// may leave the share later. So nothing of somebody else's appears in a person's list, editor or SSH config
// without their consent.

import type { GivenShare, Share, SharedWithMe } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { AccountId, WorkspaceId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import type { DirectoryChange } from "../../directory-change.ts";
import { type Actor, LIMITS, type StoreContext } from "../context.ts";
import type { Durability } from "../unwritten.ts";
import type { OwnedWorkspace } from "../workspaces.ts";
import { shareHolds } from "./share-end.ts";
import { sharedBy, sharedWith, sharesOf } from "./share-lists.ts";

export class Shares {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Offers a workspace to an account. Offering it again changes only when it ends.
   * @param expires undefined: a share that exists keeps its end, and a new one has none
   * @throws ProtocolError not_found; bad_request: it is the owner's own account, or `expires` is not in the future;
   *   limit_reached
   */
  async add(workspace: OwnedWorkspace, account: Name, actor: Actor, expires?: Date | null): Promise<Share> {
    const { db, now, changed, audit } = this.#context;
    await this.endExpired();
    const time = now().toISOString();
    const end = endOf(expires, now());
    const { share, other, what } = await db.transaction().execute(async (transaction) => {
      const other = await transaction
        .selectFrom("accounts")
        .select(["id", "disabled"])
        .where("name", "=", account)
        .executeTakeFirst();
      if (other === undefined || other.disabled === 1) throw noAccount(account);
      if (other.id === workspace.owner.id) {
        throw new ProtocolError("bad_request", "This workspace is yours already.", { field: "account" });
      }
      const former = await transaction
        .selectFrom("shares")
        .select(["created_at", "accepted_at", "expires_at"])
        .where("workspace_id", "=", workspace.id)
        .where("account_id", "=", other.id)
        .executeTakeFirst();
      if (former !== undefined) {
        const pending = former.accepted_at === null;
        const expiresAt = end === undefined ? former.expires_at : end;
        const share = { account, pending, createdAt: former.created_at, expiresAt };
        if (expiresAt === former.expires_at) return { share, other: other.id, what: undefined };
        await transaction
          .updateTable("shares")
          .set({ expires_at: expiresAt })
          .where("workspace_id", "=", workspace.id)
          .where("account_id", "=", other.id)
          .execute();
        return { share, other: other.id, what: "changed" as const };
      }
      const { count } = await transaction
        .selectFrom("shares")
        .select((select) => select.fn.countAll<number>().as("count"))
        .where("workspace_id", "=", workspace.id)
        .executeTakeFirstOrThrow();
      if (Number(count) >= LIMITS.sharesPerWorkspace) {
        throw new ProtocolError(
          "limit_reached",
          `A workspace can be shared with at most ${LIMITS.sharesPerWorkspace} accounts.`,
        );
      }
      await refuseFlood(transaction, workspace.owner.id, other.id, account);
      await transaction
        .insertInto("shares")
        .values({
          workspace_id: workspace.id,
          account_id: other.id,
          created_at: time,
          accepted_at: null,
          expires_at: end ?? null,
        })
        .onConflict((conflict) => conflict.columns(["workspace_id", "account_id"]).doNothing())
        .execute();
      const share = { account, pending: true, createdAt: time, expiresAt: end ?? null };
      return { share, other: other.id, what: "added" as const };
    });
    if (what !== undefined) {
      audit({
        event: `share.${what}`,
        account: actor.account,
        address: actor.address,
        workspace: workspace.id,
        detail: share.expiresAt === null ? account : `${account}, until ${share.expiresAt}`,
      });
      changed({ kind: "offers", accountId: other });
    }
    return share;
  }

  /** The workspaces that are shared with an account or offered to it; with `only`, the offers. */
  with(accountId: AccountId, only?: "pending"): Promise<SharedWithMe[]> {
    return sharedWith(this.#context, accountId, only);
  }

  /** With whom an account shares its workspaces. */
  by(ownerId: AccountId): Promise<GivenShare[]> {
    return sharedBy(this.#context, ownerId);
  }

  /** Accepting again changes nothing. @throws ProtocolError not_found */
  async accept(id: WorkspaceId, accountId: AccountId, actor: Actor): Promise<void> {
    const { db, now, changed, audit } = this.#context;
    const { numUpdatedRows } = await db
      .updateTable("shares")
      .set({ accepted_at: now().toISOString() })
      .where("workspace_id", "=", id)
      .where("account_id", "=", accountId)
      .where("accepted_at", "is", null)
      .where(shareHolds(now()))
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) {
      if ((await this.#state(id, accountId)) === undefined) throw notOffered();
      return;
    }
    audit({ event: "share.accepted", ...actor, workspace: id });
    changed({ kind: "workspace", id });
    changed({ kind: "keys", workspaceIds: [id] });
    changed({ kind: "offers", accountId });
  }

  /** Declines an offer, or leaves a share: connections that it opened end. @throws ProtocolError not_found */
  async leave(id: WorkspaceId, accountId: AccountId, actor: Actor): Promise<Durability> {
    return await this.#context.unwritten.revoke(
      () => this.#writeLeft(id, accountId, actor),
      async () => {
        if ((await this.#state(id, accountId)) === undefined) throw notOffered();
        return endedShare(id, accountId);
      },
    );
  }

  async #writeLeft(id: WorkspaceId, accountId: AccountId, actor: Actor): Promise<void> {
    const state = await this.#state(id, accountId);
    if (state === undefined || !(await this.#delete(id, accountId))) throw notOffered();
    this.#context.audit({
      event: state === "pending" ? "share.declined" : "share.left",
      ...actor,
      workspace: id,
    });
    this.#ended(id, accountId);
  }

  list(workspace: OwnedWorkspace): Promise<Share[]> {
    return sharesOf(this.#context, workspace.id);
  }

  /** Ends the shares and offers whose time has come. Returns when the next one ends; null: none will. */
  async endExpired(): Promise<Date | null> {
    const { db, now, audit, unwritten } = this.#context;
    const over = await db
      .selectFrom("shares")
      .innerJoin("accounts", "accounts.id", "shares.account_id")
      .select(["shares.workspace_id", "shares.account_id", "accounts.name"])
      .where("shares.expires_at", "<=", now().toISOString())
      .execute();
    for (const { workspace_id: id, account_id: accountId, name } of over) {
      await unwritten.revoke(
        async () => {
          if (!(await this.#delete(id, accountId))) return;
          audit({ event: "share.expired", workspace: id, detail: name });
          this.#ended(id, accountId);
        },
        async () => endedShare(id, accountId),
      );
    }
    const next = await db
      .selectFrom("shares")
      .select((select) => select.fn.min("expires_at").as("at"))
      .where("expires_at", ">", now().toISOString())
      .executeTakeFirst();
    return typeof next?.at === "string" ? new Date(next.at) : null;
  }

  /** @throws ProtocolError not_found */
  async remove(workspace: OwnedWorkspace, account: Name, actor: Actor): Promise<Durability> {
    return await this.#context.unwritten.revoke(
      () => this.#writeRemoved(workspace, account, actor),
      async () => {
        const row = await this.#context.db
          .selectFrom("shares")
          .innerJoin("accounts", "accounts.id", "shares.account_id")
          .select("shares.account_id")
          .where("shares.workspace_id", "=", workspace.id)
          .where("accounts.name", "=", account)
          .executeTakeFirst();
        if (row === undefined) throw notShared(account);
        return endedShare(workspace.id, row.account_id);
      },
    );
  }

  async #writeRemoved(workspace: OwnedWorkspace, account: Name, actor: Actor): Promise<void> {
    const { db, audit } = this.#context;
    const other = await db.selectFrom("accounts").select("id").where("name", "=", account).executeTakeFirst();
    if (other === undefined || !(await this.#delete(workspace.id, other.id))) throw notShared(account);
    audit({
      event: "share.removed",
      account: actor.account,
      address: actor.address,
      workspace: workspace.id,
      detail: account,
    });
    this.#ended(workspace.id, other.id);
  }

  async #state(id: WorkspaceId, accountId: AccountId): Promise<"pending" | "accepted" | undefined> {
    const row = await this.#context.db
      .selectFrom("shares")
      .select("accepted_at")
      .where("workspace_id", "=", id)
      .where("account_id", "=", accountId)
      .where(shareHolds(this.#context.now()))
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return row.accepted_at === null ? "pending" : "accepted";
  }

  async #delete(id: WorkspaceId, accountId: AccountId): Promise<boolean> {
    const { numDeletedRows } = await this.#context.db
      .deleteFrom("shares")
      .where("workspace_id", "=", id)
      .where("account_id", "=", accountId)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }

  #ended(id: WorkspaceId, accountId: AccountId): void {
    for (const change of endedShare(id, accountId)) this.#context.changed(change);
  }
}

/** @throws ProtocolError bad_request */
function endOf(expires: Date | null | undefined, now: Date): string | null | undefined {
  if (expires === undefined || expires === null) return expires;
  if (expires > now) return expires.toISOString();
  throw new ProtocolError("bad_request", "expiresAt must be in the future.", { field: "expiresAt" });
}

/**
 * All three changes are announced even for an offer, since the account may have accepted it in the meantime.
 */
function endedShare(id: WorkspaceId, accountId: AccountId): DirectoryChange[] {
  return [
    { kind: "share-removed", id, accountId },
    { kind: "keys", workspaceIds: [id] },
    { kind: "offers", accountId },
  ];
}

/**
 * Offers wait in another account's list: neither one owner nor all owners together may flood it.
 * @throws ProtocolError limit_reached
 */
async function refuseFlood(
  db: StoreContext["db"],
  ownerId: AccountId,
  accountId: AccountId,
  account: Name,
): Promise<void> {
  const waiting = db
    .selectFrom("shares")
    .innerJoin("workspaces", "workspaces.id", "shares.workspace_id")
    .select((select) => select.fn.countAll<number>().as("count"))
    .where("shares.account_id", "=", accountId)
    .where("shares.accepted_at", "is", null);
  const all = Number((await waiting.executeTakeFirstOrThrow()).count);
  const own = Number(
    (await waiting.where("workspaces.owner_id", "=", ownerId).executeTakeFirstOrThrow()).count,
  );
  if (all < LIMITS.offersPerAccount && own < LIMITS.offersByOneOwner) return;
  throw new ProtocolError(
    "limit_reached",
    `${account} has too many unanswered offers. Share this workspace once they have answered some.`,
    { field: "account" },
  );
}

function notOffered(): ProtocolError {
  return new ProtocolError("not_found", "No such workspace is shared with you or offered to you.", {
    field: "id",
  });
}

function noAccount(account: Name): ProtocolError {
  return new ProtocolError("not_found", `There is no account ${account}.`, { field: "account" });
}

function notShared(account: Name): ProtocolError {
  return new ProtocolError("not_found", `The workspace is not shared with ${account}.`, { field: "account" });
}
