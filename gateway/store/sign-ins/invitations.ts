// Invitations: one-use links that make an account, sign an account in, or link an identity with it. The database has only
// the hashes of their codes.

import type { Transaction } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { InvitationInfo, InvitationKind } from "../../../protocol/sign-in/api.ts";
import {
  type AccountId,
  type InvitationId,
  newInvitationId,
  type TokenId,
} from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import {
  hashToken,
  newOneUseCode,
  type OneUseCode,
  parseOneUseCode,
} from "../../../protocol/values/token.ts";
import { insertAccount } from "../accounts.ts";
import { type Actor, daysBefore, flag, LIMITS, type StoreContext } from "../context.ts";
import type { AccountRow, Tables } from "../database/schema.ts";
import type { InvitationRow } from "../database/sign-in-schema.ts";
import { birthOf } from "../tokens/token-family.ts";
import { after } from "./lifetimes.ts";
import { insertPasskey, type NewPasskey } from "./passkeys.ts";
import { livingInvitation, takeInvitation } from "./use-invitation.ts";

export interface NewInvitation {
  readonly kind: InvitationKind;
  /** Of the account that exists or, for the kind `account`, that is made; missing: the person chooses. */
  readonly name: Name | undefined;
  readonly admin: boolean;
  readonly expiresInSeconds: number;
  /** null: it is made on the server. */
  readonly creator: { readonly id: AccountId; readonly token: TokenId | null } | null;
}

/** An invitation as it was stored, and where it can be used: the code is told nobody else. */
export interface MadeInvitation {
  readonly code: OneUseCode;
  readonly info: InvitationInfo;
}

export class Invitations {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * @throws ProtocolError name_taken, not_found, account_disabled: the name does not fit the kind; bad_request, limit_reached;
   *   token_revoked, token_expired: the creator's token has ended
   */
  async create(wanted: NewInvitation, actor: Actor): Promise<MadeInvitation> {
    const { db, now, audit } = this.#context;
    const code = newOneUseCode();
    const time = now();
    const row = await db.transaction().execute(async (transaction): Promise<InvitationRow> => {
      const account = await accountFor(transaction, wanted);
      if (account !== null && this.#context.unwritten.isDisabled(account)) throw disabled();
      await this.#requireRoom(transaction, wanted.creator?.id ?? null, time);
      const end = after(time, wanted.expiresInSeconds);
      const birth = await birthOf(transaction, wanted.creator?.token ?? null, end, time);
      const made: InvitationRow = {
        id: newInvitationId(),
        hash: hashToken(code),
        kind: wanted.kind,
        account_id: account,
        name: wanted.name ?? null,
        admin: flag(wanted.admin),
        created_by: actor.account,
        creator_id: wanted.creator?.id ?? null,
        parent_id: birth.parentId,
        created_at: time.toISOString(),
        expires_at: birth.expiresAt ?? end,
        used_at: null,
      };
      await transaction.insertInto("invitations").values(made).execute();
      return made;
    });
    const what = `${row.kind}${row.name === null ? "" : ` ${row.name}`}${row.admin === 1 ? " (admin)" : ""}`;
    audit({
      event: "invitation.created",
      account: actor.account,
      address: actor.address,
      detail: `${row.id}: ${what}`,
    });
    await this.prune();
    return { code, info: invitationBody(row) };
  }

  /** Newest first: those that can be used, and for a while those that were used or have expired. */
  async list(): Promise<InvitationInfo[]> {
    const rows = await this.#context.db
      .selectFrom("invitations")
      .selectAll()
      .orderBy("created_at", "desc")
      .orderBy("id")
      .limit(LIMITS.openInvitations + LIMITS.deadInvitations)
      .execute();
    return rows.map(invitationBody);
  }

  /** Takes one back. @throws ProtocolError not_found */
  async remove(id: InvitationId, actor: Actor): Promise<void> {
    const { db, audit } = this.#context;
    const { numDeletedRows } = await db
      .deleteFrom("invitations")
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw new ProtocolError("not_found", "There is no such invitation.");
    audit({ event: "invitation.removed", account: actor.account, address: actor.address, detail: id });
  }

  /** Looks at one, by its code or its id. @throws ProtocolError bad_token, token_unknown, token_revoked, token_expired */
  async open(by: { readonly code: string } | { readonly id: InvitationId }): Promise<InvitationRow> {
    return await livingInvitation(
      this.#context,
      this.#context.db,
      "code" in by ? { hash: hashToken(parseOneUseCode(by.code)) } : by,
    );
  }

  /**
   * Uses up a link that signs in.
   * @throws ProtocolError bad_token, token_unknown, token_revoked, token_expired, account_disabled, bad_request
   */
  async takeSignIn(
    code: string,
    address: string,
  ): Promise<{ readonly accountId: AccountId; readonly admin: boolean; readonly parent: TokenId | null }> {
    const { id } = await this.open({ code });
    const { row, account } = await this.#context.db.transaction().execute(async (transaction) => {
      const taken = await takeInvitation(this.#context, transaction, id, "sign-in");
      const found = await transaction
        .selectFrom("accounts")
        .select(["id", "name", "admin"])
        .where("id", "=", taken.account_id)
        .executeTakeFirstOrThrow();
      return { row: taken, account: found };
    });
    this.#auditUse(row, account.name, address);
    return { accountId: account.id, admin: account.admin === 1, parent: row.parent_id };
  }

  /**
   * Uses up an invitation and makes the account with its passkey, all or nothing.
   * @param account its id, which the passkey names, and its name
   * @throws ProtocolError token_unknown, token_revoked, token_expired, bad_request, name_taken, limit_reached, key_taken
   */
  async accept(
    id: InvitationId,
    account: { readonly id: AccountId; readonly name: Name },
    passkey: NewPasskey,
    address: string,
  ): Promise<AccountRow> {
    const { db, now, audit } = this.#context;
    const { made, row } = await db.transaction().execute(async (transaction) => {
      const taken = await takeInvitation(this.#context, transaction, id, "account");
      if (taken.name !== null && taken.name !== account.name) {
        throw new ProtocolError("bad_request", "The invitation is for a different name.", { field: "name" });
      }
      const created: AccountRow = {
        ...account,
        admin: taken.admin,
        disabled: 0,
        created_at: now().toISOString(),
        role_from: null,
      };
      await insertAccount(transaction, created);
      await insertPasskey(transaction, { ...passkey, accountId: account.id, parent: null }, now());
      return { made: created, row: taken };
    });
    this.#auditUse(row, account.name, address);
    audit({
      event: "account.created",
      account: row.created_by,
      address,
      detail: `${account.name}${row.admin === 1 ? " (admin)" : ""}, by the invitation ${row.id}`,
    });
    return made;
  }

  /** Forgets those that are of no use any more. */
  async prune(): Promise<void> {
    const { db, now } = this.#context;
    const limit = daysBefore(now(), LIMITS.deadTokenDays);
    await db
      .deleteFrom("invitations")
      .where((or) => or.or([or("expires_at", "<", limit), or("used_at", "<", limit)]))
      .execute();
    const surplus = await db
      .selectFrom("invitations")
      .select("id")
      .where((or) => or.or([or("used_at", "is not", null), or("expires_at", "<=", now().toISOString())]))
      .orderBy("created_at", "desc")
      .offset(LIMITS.deadInvitations)
      .limit(LIMITS.deadInvitations)
      .execute();
    const ids = surplus.map(({ id }) => id);
    if (ids.length > 0) await db.deleteFrom("invitations").where("id", "in", ids).execute();
  }

  async #requireRoom(transaction: Transaction<Tables>, creator: AccountId | null, time: Date): Promise<void> {
    const open = transaction
      .selectFrom("invitations")
      .select((select) => select.fn.countAll<number>().as("count"))
      .where("used_at", "is", null)
      .where("expires_at", ">", time.toISOString());
    const all = await open.executeTakeFirstOrThrow();
    const own = await open
      .where("creator_id", creator === null ? "is" : "=", creator)
      .executeTakeFirstOrThrow();
    if (Number(own.count) < LIMITS.openInvitationsByOne && Number(all.count) < LIMITS.openInvitations) return;
    throw new ProtocolError(
      "limit_reached",
      `At most ${LIMITS.openInvitationsByOne} invitations of one administrator, and ${LIMITS.openInvitations} in all, can be open: take some back first.`,
    );
  }

  #auditUse({ id, kind }: InvitationRow, account: string | undefined, address: string): void {
    this.#context.audit({ event: "invitation.used", account, address, detail: `${id}: ${kind}` });
  }
}

/** The account that an invitation is for; null: it makes one. @throws ProtocolError */
async function accountFor(
  transaction: Transaction<Tables>,
  { kind, name, admin }: NewInvitation,
): Promise<AccountId | null> {
  const found =
    name === undefined
      ? undefined
      : await transaction
          .selectFrom("accounts")
          .select(["id", "disabled"])
          .where("name", "=", name)
          .executeTakeFirst();
  if (kind === "account") {
    if (found === undefined) return null;
    throw new ProtocolError("name_taken", `There is already an account ${name}.`, { field: "name" });
  }
  if (name === undefined) {
    throw new ProtocolError("bad_request", "Name the account that the link is for.", { field: "name" });
  }
  if (admin) {
    throw new ProtocolError("bad_request", "A link changes nothing about an account that exists.", {
      field: "admin",
    });
  }
  if (found === undefined) {
    throw new ProtocolError("not_found", `There is no account ${name}.`, { field: "name" });
  }
  if (found.disabled === 1) throw disabled();
  return found.id;
}

function disabled(): ProtocolError {
  return new ProtocolError("account_disabled", "This account is disabled: enable it first.", {
    field: "name",
  });
}

function invitationBody(row: InvitationRow): InvitationInfo {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    admin: row.admin === 1,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at,
  };
}
