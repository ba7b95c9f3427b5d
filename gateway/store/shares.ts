// Shares: other accounts that may reach a workspace.

import type { Share } from "../../protocol/api.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { Name } from "../../protocol/name.ts";
import { type Actor, LIMITS, type StoreContext } from "./context.ts";
import type { OwnedWorkspace } from "./workspaces.ts";

export class Shares {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Shares with an account; doing it twice is no error.
   * @throws ProtocolError not_found, bad_request (with oneself), limit_reached
   */
  async add(workspace: OwnedWorkspace, account: Name, actor: Actor): Promise<Share> {
    const { db, now, changed, audit } = this.#context;
    const time = now().toISOString();
    const { share, added } = await db.transaction().execute(async (transaction) => {
      const other = await transaction
        .selectFrom("accounts")
        .select(["id", "disabled"])
        .where("name", "=", account)
        .executeTakeFirst();
      if (other === undefined || other.disabled === 1) throw noAccount(account);
      if (other.id === workspace.owner.id) {
        throw new ProtocolError("bad_request", "The workspace is yours already.", { field: "account" });
      }
      const former = await transaction
        .selectFrom("shares")
        .select("created_at")
        .where("workspace_id", "=", workspace.id)
        .where("account_id", "=", other.id)
        .executeTakeFirst();
      if (former !== undefined) return { share: { account, createdAt: former.created_at }, added: false };
      const { count } = await transaction
        .selectFrom("shares")
        .select((select) => select.fn.countAll<number>().as("count"))
        .where("workspace_id", "=", workspace.id)
        .executeTakeFirstOrThrow();
      if (Number(count) >= LIMITS.sharesPerWorkspace) {
        throw new ProtocolError(
          "limit_reached",
          `A workspace is shared with at most ${LIMITS.sharesPerWorkspace} accounts.`,
        );
      }
      await transaction
        .insertInto("shares")
        .values({ workspace_id: workspace.id, account_id: other.id, created_at: time })
        .onConflict((conflict) => conflict.columns(["workspace_id", "account_id"]).doNothing())
        .execute();
      return { share: { account, createdAt: time }, added: true };
    });
    if (added) {
      audit({
        event: "share.added",
        account: actor.account,
        address: actor.address,
        workspace: workspace.id,
        detail: account,
      });
      changed({ kind: "workspace", id: workspace.id });
      changed({ kind: "keys", workspaceIds: [workspace.id] });
    }
    return share;
  }

  async list(workspace: OwnedWorkspace): Promise<Share[]> {
    const rows = await this.#context.db
      .selectFrom("shares")
      .innerJoin("accounts", "accounts.id", "shares.account_id")
      .select(["accounts.name", "shares.created_at"])
      .where("shares.workspace_id", "=", workspace.id)
      .orderBy("accounts.name")
      .execute();
    return rows.map((row) => ({ account: row.name, createdAt: row.created_at }));
  }

  /** @throws ProtocolError not_found */
  async remove(workspace: OwnedWorkspace, account: Name, actor: Actor): Promise<void> {
    const { db, changed, audit } = this.#context;
    const other = await db.selectFrom("accounts").select("id").where("name", "=", account).executeTakeFirst();
    if (other === undefined) throw notShared(account);
    const { numDeletedRows } = await db
      .deleteFrom("shares")
      .where("workspace_id", "=", workspace.id)
      .where("account_id", "=", other.id)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw notShared(account);
    audit({
      event: "share.removed",
      account: actor.account,
      address: actor.address,
      workspace: workspace.id,
      detail: account,
    });
    changed({ kind: "share-removed", id: workspace.id, accountId: other.id });
    changed({ kind: "keys", workspaceIds: [workspace.id] });
  }
}

function noAccount(account: Name): ProtocolError {
  return new ProtocolError("not_found", `There is no account ${account}.`, { field: "account" });
}

function notShared(account: Name): ProtocolError {
  return new ProtocolError("not_found", `The workspace is not shared with ${account}.`, { field: "account" });
}
