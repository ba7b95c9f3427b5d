// Accounts: who there is, who manages the gateway, who is shut out.

import type { Account } from "../../protocol/api.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { type AccountId, newAccountId } from "../../protocol/id.ts";
import type { Name } from "../../protocol/name.ts";
import { type Actor, flag, LIMITS, type StoreContext } from "./context.ts";
import type { AccountRow } from "./schema.ts";
import { workspacesThatTrust } from "./ssh-keys.ts";

export class Accounts {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** @throws ProtocolError name_taken, limit_reached */
  async create(name: Name, admin: boolean, actor: Actor | null): Promise<AccountRow> {
    const { db, now, audit } = this.#context;
    const row: AccountRow = {
      id: newAccountId(),
      name,
      admin: flag(admin),
      disabled: 0,
      created_at: now().toISOString(),
    };
    await db.transaction().execute(async (transaction) => {
      const { count } = await transaction
        .selectFrom("accounts")
        .select((select) => select.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      if (Number(count) >= LIMITS.accounts) {
        throw new ProtocolError("limit_reached", `A gateway holds at most ${LIMITS.accounts} accounts.`);
      }
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto("accounts")
        .values(row)
        .onConflict((conflict) => conflict.column("name").doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) {
        throw new ProtocolError("name_taken", `There is an account ${name} already.`, { field: "name" });
      }
    });
    audit({
      event: "account.created",
      account: actor?.account ?? name,
      address: actor?.address,
      detail: `${name}${admin ? " (admin)" : ""}`,
    });
    return row;
  }

  async list(): Promise<AccountRow[]> {
    return this.#context.db.selectFrom("accounts").selectAll().orderBy("name").execute();
  }

  async get(id: AccountId): Promise<AccountRow | undefined> {
    return this.#context.db.selectFrom("accounts").selectAll().where("id", "=", id).executeTakeFirst();
  }

  async byName(name: Name): Promise<AccountRow | undefined> {
    return this.#context.db.selectFrom("accounts").selectAll().where("name", "=", name).executeTakeFirst();
  }

  /** The account to hand an administrator's token to: the oldest one that is enabled. */
  async firstAdmin(): Promise<AccountRow | undefined> {
    return this.#context.db
      .selectFrom("accounts")
      .selectAll()
      .where("admin", "=", 1)
      .where("disabled", "=", 0)
      .orderBy("created_at")
      .orderBy("id")
      .limit(1)
      .executeTakeFirst();
  }

  async isEmpty(): Promise<boolean> {
    const row = await this.#context.db.selectFrom("accounts").select("id").limit(1).executeTakeFirst();
    return row === undefined;
  }

  /**
   * Shuts an account out, or lets it in again; takes effect on live connections at once.
   * @throws ProtocolError not_found; forbidden for the last administrator
   */
  async setDisabled(id: AccountId, disabled: boolean, actor: Actor): Promise<AccountRow> {
    const { db, changed, audit } = this.#context;
    const { row, before } = await db.transaction().execute(async (transaction) => {
      const found = await transaction
        .selectFrom("accounts")
        .selectAll()
        .where("id", "=", id)
        .executeTakeFirst();
      if (found === undefined) throw new ProtocolError("not_found", "There is no such account.");
      if (disabled && found.admin === 1 && found.disabled === 0) {
        const other = await transaction
          .selectFrom("accounts")
          .select("id")
          .where("admin", "=", 1)
          .where("disabled", "=", 0)
          .where("id", "!=", id)
          .limit(1)
          .executeTakeFirst();
        if (other === undefined) {
          throw new ProtocolError("forbidden", "The last enabled admin account can't be disabled.", {
            field: "disabled",
          });
        }
      }
      await transaction
        .updateTable("accounts")
        .set({ disabled: flag(disabled) })
        .where("id", "=", id)
        .execute();
      return { row: { ...found, disabled: flag(disabled) }, before: found.disabled === 1 };
    });
    if (before !== disabled) {
      audit({
        event: disabled ? "account.disabled" : "account.enabled",
        account: actor.account,
        address: actor.address,
        detail: row.name,
      });
      if (disabled) changed({ kind: "account-disabled", accountId: id });
      changed({ kind: "keys", workspaceIds: await workspacesThatTrust(db, id) });
    }
    return row;
  }
}

export function accountBody(row: AccountRow): Account {
  return {
    id: row.id,
    name: row.name,
    admin: row.admin === 1,
    disabled: row.disabled === 1,
    createdAt: row.created_at,
  };
}
