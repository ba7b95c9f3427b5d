// Accounts: creating and listing them, and disabling them.

import type { Transaction } from "kysely";
import type { Account } from "../../protocol/api.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { type AccountId, newAccountId } from "../../protocol/values/id.ts";
import type { Name } from "../../protocol/values/name.ts";
import { type Actor, flag, LIMITS, type StoreContext } from "./context.ts";
import type { AccountRow, Tables } from "./database/schema.ts";
import { workspacesThatTrust } from "./keys/ssh-keys.ts";
import type { Durability } from "./unwritten.ts";

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
      role_from: null,
    };
    await db.transaction().execute((transaction) => insertAccount(transaction, row));
    audit({
      event: "account.created",
      account: actor?.account ?? name,
      address: actor?.address,
      detail: `${name}${admin ? " (admin)" : ""}`,
    });
    return row;
  }

  async list(): Promise<AccountRow[]> {
    const rows = await this.#context.db.selectFrom("accounts").selectAll().orderBy("name").execute();
    return rows.map((row) => this.#current(row));
  }

  async get(id: AccountId): Promise<AccountRow | undefined> {
    const { db } = this.#context;
    const row = await db.selectFrom("accounts").selectAll().where("id", "=", id).executeTakeFirst();
    return row === undefined ? undefined : this.#current(row);
  }

  async byName(name: Name): Promise<AccountRow | undefined> {
    const { db } = this.#context;
    const row = await db.selectFrom("accounts").selectAll().where("name", "=", name).executeTakeFirst();
    return row === undefined ? undefined : this.#current(row);
  }

  /** The names of accounts. */
  async names(ids: ReadonlySet<AccountId>): Promise<Map<AccountId, Name>> {
    if (ids.size === 0) return new Map();
    const rows = await this.#context.db
      .selectFrom("accounts")
      .select(["id", "name"])
      .where("id", "in", [...ids])
      .execute();
    return new Map(rows.map(({ id, name }) => [id, name]));
  }

  /** The row, with a revocation that is not written to the database yet. */
  #current(row: AccountRow): AccountRow {
    return this.#context.unwritten.isDisabled(row.id) ? { ...row, disabled: 1 } : row;
  }

  /** The oldest enabled administrator, whose account gets the token of `gateway admin-token`. */
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
   * Disables or enables an account. It takes effect on live connections at once.
   * @throws ProtocolError not_found; forbidden for the last administrator
   */
  async setDisabled(
    id: AccountId,
    disabled: boolean,
    actor: Actor,
  ): Promise<AccountRow & { readonly durability: Durability }> {
    const { unwritten } = this.#context;
    if (!disabled) return { ...(await this.#write(id, disabled, actor)), durability: "written" };
    const durability = await unwritten.revoke(
      () => this.#write(id, disabled, actor),
      async () => {
        await this.#requireDisablable(this.#context.db, await this.get(id));
        return [
          { kind: "account-disabled", accountId: id },
          { kind: "keys", workspaceIds: await workspacesThatTrust(this.#context.db, id) },
        ];
      },
    );
    const row = await this.get(id);
    if (row === undefined) throw noSuchAccount();
    return { ...row, durability };
  }

  /**
   * Makes an account an administrator, or takes that away. Not kept for later on a full disk: what the account has open
   * does not depend on it, and each request looks it up.
   * @throws ProtocolError not_found; forbidden: the provider decides, or it is the last administrator
   */
  async setAdmin(id: AccountId, admin: boolean, actor: Actor): Promise<void> {
    const { db, audit } = this.#context;
    const before = await db.transaction().execute(async (transaction) => {
      const found = await transaction
        .selectFrom("accounts")
        .selectAll()
        .where("id", "=", id)
        .executeTakeFirst();
      if (found === undefined) throw noSuchAccount();
      if (found.admin === flag(admin)) return undefined;
      if (found.role_from !== null) {
        throw new ProtocolError(
          "forbidden",
          `The rules of the identity provider ${found.role_from} decide whether ${found.name} is an administrator.`,
          { field: "admin" },
        );
      }
      if (!admin) await this.#requireAnotherAdmin(transaction, found, "admin");
      await transaction
        .updateTable("accounts")
        .set({ admin: flag(admin) })
        .where("id", "=", id)
        .execute();
      return found;
    });
    if (before === undefined) return;
    audit({ event: admin ? "account.promoted" : "account.demoted", ...actor, detail: before.name });
  }

  /** @throws ProtocolError not_found; forbidden for the last administrator */
  async #requireDisablable(db: StoreContext["db"], account: AccountRow | undefined): Promise<AccountRow> {
    if (account === undefined) throw noSuchAccount();
    await this.#requireAnotherAdmin(db, account, "disabled");
    return account;
  }

  /** @throws ProtocolError forbidden: this account is the last enabled administrator */
  async #requireAnotherAdmin(
    db: StoreContext["db"],
    account: AccountRow,
    field: "disabled" | "admin",
  ): Promise<void> {
    if (account.admin === 0 || account.disabled === 1) return;
    const others = await db
      .selectFrom("accounts")
      .select("id")
      .where("admin", "=", 1)
      .where("disabled", "=", 0)
      .where("id", "!=", account.id)
      .execute();
    if (others.some(({ id }) => !this.#context.unwritten.isDisabled(id))) return;
    const what = field === "disabled" ? "can't be disabled" : "must stay one";
    throw new ProtocolError("forbidden", `The last enabled administrator ${what}.`, { field });
  }

  async #write(id: AccountId, disabled: boolean, actor: Actor): Promise<AccountRow> {
    const { db, changed, audit, unwritten } = this.#context;
    const { row, before } = await db.transaction().execute(async (transaction) => {
      const found = await transaction
        .selectFrom("accounts")
        .selectAll()
        .where("id", "=", id)
        .executeTakeFirst();
      if (found === undefined) throw noSuchAccount();
      if (disabled) await this.#requireDisablable(transaction, found);
      await transaction
        .updateTable("accounts")
        .set({ disabled: flag(disabled) })
        .where("id", "=", id)
        .execute();
      // From now on it is this that counts; SCIM notes it if it was SCIM.
      await transaction
        .updateTable("scim_users")
        .set({ disabled_by_scim: 0 })
        .where("account_id", "=", id)
        .execute();
      return { row: { ...found, disabled: flag(disabled) }, before: found.disabled === 1 };
    });
    const wasPending = unwritten.isDisabled(id);
    if (before !== disabled || (wasPending && !disabled)) {
      audit({
        event: disabled ? "account.disabled" : "account.enabled",
        account: actor.account,
        address: actor.address,
        detail: row.name,
      });
      changed({ kind: disabled ? "account-disabled" : "account-enabled", accountId: id });
      changed({ kind: "keys", workspaceIds: await workspacesThatTrust(db, id) });
    }
    return row;
  }
}

/** @throws ProtocolError name_taken, limit_reached */
export async function insertAccount(transaction: Transaction<Tables>, row: AccountRow): Promise<void> {
  const { count } = await transaction
    .selectFrom("accounts")
    .select((select) => select.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  if (Number(count) >= LIMITS.accounts) {
    throw new ProtocolError("limit_reached", `A gateway can have at most ${LIMITS.accounts} accounts.`);
  }
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto("accounts")
    .values(row)
    .onConflict((conflict) => conflict.column("name").doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 0n) {
    throw new ProtocolError("name_taken", `There is already an account ${row.name}.`, { field: "name" });
  }
}

function noSuchAccount(): ProtocolError {
  return new ProtocolError("not_found", "There is no such account.");
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
