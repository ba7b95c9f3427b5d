// Accounts that an identity provider manages by SCIM (RFC 7643, RFC 7644). SCIM sees these accounts only; it makes,
// disables and enables them, and never deletes one: its workspaces and its lines in the audit log keep their name.

import { type RawBuilder, type SqlBool, sql } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import { type AccountId, newAccountId } from "../../../protocol/values/id.ts";
import { isName, type Name, parseName } from "../../../protocol/values/name.ts";
import { type Accounts, insertAccount } from "../accounts.ts";
import { type Actor, flag, type StoreContext } from "../context.ts";
import type { AccountRow } from "../database/schema.ts";
import type { ScimUserRow } from "../database/sign-in-schema.ts";
import { unlessUnwritable } from "../unwritten.ts";

export interface ScimUser extends Omit<ScimUserRow, "user_key" | "disabled_by_scim"> {
  /** The account's. */
  readonly name: Name;
  readonly admin: boolean;
  readonly disabled: boolean;
}

export interface NewScimUser {
  readonly userName: string;
  readonly externalId: string | null;
  readonly display: string;
  readonly active: boolean;
}

/** What can be asked for: a user name or an external id that is equal. */
export type ScimFilter = {
  readonly attribute: "userName" | "externalId" | "id";
  readonly value: string;
} | null;

export class ScimUsers {
  readonly #context: StoreContext;
  readonly #accounts: Accounts;

  constructor(context: StoreContext, accounts: Accounts) {
    this.#context = context;
    this.#accounts = accounts;
  }

  /** @param page `offset` from 0 @returns the page, and how many there are in all */
  async list(
    filter: ScimFilter,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly users: ScimUser[]; readonly total: number }> {
    const { total } = await this.#context.db
      .selectFrom("scim_users")
      .where(matching(filter))
      .select((select) => select.fn.countAll<number>().as("total"))
      .executeTakeFirstOrThrow();
    const rows = await this.#joined()
      .where(matching(filter))
      .orderBy("scim_users.created_at")
      .orderBy("scim_users.account_id")
      .offset(page.offset)
      .limit(page.limit)
      .execute();
    return { users: rows.map((row) => this.#user(row)), total: Number(total) };
  }

  async get(id: AccountId): Promise<ScimUser | undefined> {
    const row = await this.#joined().where("scim_users.account_id", "=", id).executeTakeFirst();
    return row === undefined ? undefined : this.#user(row);
  }

  /** Makes an account that is named after the user. @throws ProtocolError name_taken, limit_reached */
  async create(wanted: NewScimUser, actor: Actor): Promise<ScimUser> {
    const { db, now, audit } = this.#context;
    const at = now().toISOString();
    const base = accountNameFor(wanted.userName);
    const user = await db.transaction().execute(async (transaction) => {
      const rows = await transaction
        .selectFrom("accounts")
        .select("name")
        .where(sql<SqlBool>`name like ${`${base.slice(0, 34)}%`}`)
        .execute();
      const account: AccountRow = {
        id: newAccountId(),
        name: firstFree(base, new Set(rows.map(({ name }) => name))),
        admin: 0,
        disabled: flag(!wanted.active),
        created_at: at,
        role_from: null,
      };
      await insertAccount(transaction, account);
      const row: ScimUserRow = {
        account_id: account.id,
        user_name: wanted.userName,
        user_key: userKey(wanted.userName),
        external_id: wanted.externalId,
        display: wanted.display,
        disabled_by_scim: flag(!wanted.active),
        created_at: at,
        changed_at: at,
      };
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto("scim_users")
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) {
        throw new ProtocolError("name_taken", "There is a user with this userName or externalId already.");
      }
      return { ...row, name: account.name, admin: 0, disabled: flag(!wanted.active) };
    });
    audit({
      event: "account.created",
      account: actor.account,
      address: actor.address,
      detail: `${user.name}, by SCIM`,
    });
    return this.#user(user);
  }

  /**
   * Disables the account, which ends all that is open at once, or enables it if it was disabled by SCIM. One that an
   * administrator has disabled stays so.
   */
  async setActive(id: AccountId, active: boolean, actor: Actor): Promise<void> {
    const { db, unwritten } = this.#context;
    const row = await this.#joined().where("scim_users.account_id", "=", id).executeTakeFirst();
    if (row === undefined) throw new ProtocolError("not_found", "There is no such user.");
    const isDisabled = row.disabled === 1 || unwritten.isDisabled(id);
    if (isDisabled !== active || (active && row.disabled_by_scim === 0)) return;
    // A full disk must not keep anybody from being disabled, so that comes first.
    await this.#accounts.setDisabled(id, !active, actor);
    await db
      .updateTable("scim_users")
      .set({ disabled_by_scim: flag(!active) })
      .where("account_id", "=", id)
      .execute()
      .catch(unlessUnwritable);
  }

  /** @throws ProtocolError name_taken: a different user has this external id */
  async update(
    id: AccountId,
    changes: { readonly externalId?: string | null; readonly display?: string },
  ): Promise<void> {
    const { db, now } = this.#context;
    await db.transaction().execute(async (transaction) => {
      if (changes.externalId !== undefined && changes.externalId !== null) {
        const other = await transaction
          .selectFrom("scim_users")
          .select("account_id")
          .where("external_id", "=", changes.externalId)
          .where("account_id", "!=", id)
          .executeTakeFirst();
        if (other !== undefined) {
          throw new ProtocolError("name_taken", "A different user has this externalId.");
        }
      }
      await transaction
        .updateTable("scim_users")
        .set({
          changed_at: now().toISOString(),
          ...(changes.externalId === undefined ? {} : { external_id: changes.externalId }),
          ...(changes.display === undefined ? {} : { display: changes.display }),
        })
        .where("account_id", "=", id)
        .execute();
    });
  }

  #joined() {
    return this.#context.db
      .selectFrom("scim_users")
      .innerJoin("accounts", "accounts.id", "scim_users.account_id")
      .selectAll("scim_users")
      .select(["accounts.name", "accounts.admin", "accounts.disabled"]);
  }

  #user(row: ScimUserRow & Pick<AccountRow, "name" | "admin" | "disabled">): ScimUser {
    const { user_key: _key, disabled_by_scim: _by, admin, disabled, ...rest } = row;
    const isDisabled = disabled === 1 || this.#context.unwritten.isDisabled(row.account_id);
    return { ...rest, admin: admin === 1, disabled: isDisabled };
  }
}

function matching(filter: ScimFilter): RawBuilder<SqlBool> {
  switch (filter?.attribute) {
    case undefined:
      return sql`1 = 1`;
    case "userName":
      return sql`scim_users.user_key = ${userKey(filter.value)}`;
    case "externalId":
      return sql`scim_users.external_id = ${filter.value}`;
    case "id":
      return sql`scim_users.account_id = ${filter.value}`;
  }
}

/** The same for all spellings of a userName. */
export function userKey(userName: string): string {
  return userName.normalize("NFKC").toLowerCase();
}

/** `Ana.Lopez@corp.example` → `ana-lopez`. */
export function accountNameFor(userName: string): Name {
  const name = (userName.split("@", 1)[0] ?? "")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return parseName(name === "" ? "user" : name);
}

/** `base`, or `base-2`, `base-3` and so on. */
function firstFree(base: Name, taken: ReadonlySet<string>): Name {
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? "" : `-${number}`;
    const name = `${base.slice(0, 40 - suffix.length).replace(/-+$/, "")}${suffix}`;
    if (isName(name) && !taken.has(name)) return name;
  }
}
