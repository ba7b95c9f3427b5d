// People as administrators see them: who there is, how each signs in, and what they have. Changes of an account itself
// are in gateway/store/accounts.ts.

import { sql } from "kysely";
import type { People } from "../../../protocol/admin-api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { IdentityInfo, Person } from "../../../protocol/sign-in/api.ts";
import type { AccountId } from "../../../protocol/values/id.ts";
import { accountBody } from "../accounts.ts";
import { flag, type StoreContext } from "../context.ts";
import type { AccountRow } from "../database/schema.ts";
import { identityBody } from "../sign-ins/identities.ts";
import { matching } from "./matching.ts";

const MAX_IDENTITIES = 50;

interface PeopleWanted {
  readonly filter?: string | undefined;
  readonly state?: "enabled" | "disabled" | "administrator" | undefined;
  /** The name of the last person of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export class PeopleView {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** By name. `total`: how many match on all pages. */
  async list({ filter, state, after, limit }: PeopleWanted): Promise<People> {
    let query = this.#context.db.selectFrom("accounts");
    if (filter !== undefined) query = query.where(matching("accounts.name", filter));
    if (state === "administrator") query = query.where("admin", "=", 1);
    else if (state !== undefined) query = query.where("disabled", "=", flag(state === "disabled"));
    const { count } = await query
      .select((select) => select.fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    if (after !== undefined) query = query.where(sql<string>`accounts.name`, ">", after);
    const rows = await query.selectAll().orderBy("name").limit(limit).execute();
    const next = rows.length < limit ? null : (rows.at(-1)?.name ?? null);
    return { people: await this.#people(rows), next, total: Number(count) };
  }

  /** @throws ProtocolError not_found */
  async get(id: AccountId): Promise<Person> {
    const rows = await this.#context.db.selectFrom("accounts").selectAll().where("id", "=", id).execute();
    const [person] = await this.#people(rows);
    if (person === undefined) throw new ProtocolError("not_found", "There is no such account.");
    return person;
  }

  async #people(rows: readonly AccountRow[]): Promise<Person[]> {
    const { unwritten } = this.#context;
    if (rows.length === 0) return [];
    const ids = rows.map(({ id }) => id);
    const [identities, passkeys, workspaces, signIns, seen] = await Promise.all([
      this.#identities(ids),
      this.#passkeys(ids),
      this.#workspaces(ids),
      this.#signIns(ids),
      this.#lastSeen(ids),
    ]);
    return rows.map((row) => {
      const disabled = row.disabled === 1 || unwritten.isDisabled(row.id);
      return {
        ...accountBody({ ...row, disabled: flag(disabled) }),
        roleFrom: row.role_from,
        identities: identities.get(row.id) ?? [],
        passkeys: passkeys.get(row.id) ?? 0,
        signIns: signIns.get(row.id) ?? 0,
        workspaces: workspaces.get(row.id) ?? 0,
        lastSeenAt: seen.get(row.id) ?? null,
      };
    });
  }

  async #identities(ids: readonly AccountId[]): Promise<Map<AccountId, IdentityInfo[]>> {
    const rows = await this.#context.db
      .selectFrom("identities")
      .selectAll()
      .where("account_id", "in", ids)
      .orderBy("created_at")
      .orderBy("id")
      .execute();
    const found = new Map<AccountId, IdentityInfo[]>();
    for (const row of rows) {
      const own = found.get(row.account_id) ?? [];
      found.set(row.account_id, own);
      if (own.length >= MAX_IDENTITIES) continue;
      own.push(identityBody(row));
    }
    return found;
  }

  async #passkeys(ids: readonly AccountId[]): Promise<Map<AccountId, number>> {
    const rows = await this.#context.db
      .selectFrom("passkeys")
      .select(["account_id as id"])
      .select((select) => select.fn.countAll<number>().as("count"))
      .where("account_id", "in", ids)
      .groupBy("account_id")
      .execute();
    return numbersOf(rows);
  }

  async #workspaces(ids: readonly AccountId[]): Promise<Map<AccountId, number>> {
    const rows = await this.#context.db
      .selectFrom("workspaces")
      .select(["owner_id as id"])
      .select((select) => select.fn.countAll<number>().as("count"))
      .where("owner_id", "in", ids)
      .groupBy("owner_id")
      .execute();
    return numbersOf(rows);
  }

  async #signIns(ids: readonly AccountId[]): Promise<Map<AccountId, number>> {
    const at = this.#context.now().toISOString();
    const rows = await this.#context.db
      .selectFrom("access_tokens")
      .innerJoin("sign_ins", "sign_ins.token_id", "access_tokens.id")
      .select(["access_tokens.account_id as id"])
      .select((select) => select.fn.countAll<number>().as("count"))
      .where("access_tokens.account_id", "in", ids)
      .where("access_tokens.revoked_at", "is", null)
      .where("sign_ins.idle_expires_at", ">", at)
      .where((or) =>
        or.or([or("access_tokens.expires_at", "is", null), or("access_tokens.expires_at", ">", at)]),
      )
      .groupBy("access_tokens.account_id")
      .execute();
    return numbersOf(rows);
  }

  /** By a token, a sign-in or an SSH key, whichever was used last. */
  async #lastSeen(ids: readonly AccountId[]): Promise<Map<AccountId, string>> {
    const seen = new Map<AccountId, string>();
    for (const table of ["access_tokens", "ssh_keys"] as const) {
      const rows = await this.#context.db
        .selectFrom(table)
        .select(["account_id"])
        .select((select) => select.fn.max("last_used_at").as("at"))
        .where("account_id", "in", ids)
        .groupBy("account_id")
        .execute();
      for (const { account_id: id, at } of rows) {
        if (at !== null && at > (seen.get(id) ?? "")) seen.set(id, at);
      }
    }
    return seen;
  }
}

function numbersOf(
  rows: readonly { readonly id: AccountId | null; readonly count: number | string | bigint }[],
): Map<AccountId, number> {
  return new Map(rows.flatMap(({ id, count }) => (id === null ? [] : [[id, Number(count)] as const])));
}
