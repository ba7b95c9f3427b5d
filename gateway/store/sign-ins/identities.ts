// Identities: who at a provider is which account. The pair of issuer and subject decides, and nothing else; an e-mail address never
// does, since others can get it.

import type { Transaction } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { IdentityInfo, InvitationKind } from "../../../protocol/sign-in/api.ts";
import {
  type AccountId,
  type IdentityId,
  type InvitationId,
  newAccountId,
  newIdentityId,
} from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { insertAccount } from "../accounts.ts";
import { type Actor, flag, LIMITS, type StoreContext } from "../context.ts";
import type { AccountRow, Tables } from "../database/schema.ts";
import type { IdentityRow } from "../database/sign-in-schema.ts";
import { type RoleOutcome, releaseRoles, setRole } from "./provider-roles.ts";
import { takeInvitation } from "./use-invitation.ts";
import { requireWayIn } from "./ways-in.ts";

/** Whom a provider has vouched for. */
export interface IdentityFacts {
  readonly provider: string;
  readonly issuer: string;
  readonly subject: string;
  /** For people. */
  readonly display: string;
}

export class Identities {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  async find(issuer: string, subject: string): Promise<IdentityRow | undefined> {
    return await this.#context.db
      .selectFrom("identities")
      .selectAll()
      .where("issuer", "=", issuer)
      .where("subject", "=", subject)
      .executeTakeFirst();
  }

  async get(id: IdentityId): Promise<IdentityRow | undefined> {
    return await this.#context.db
      .selectFrom("identities")
      .selectAll()
      .where("id", "=", id)
      .executeTakeFirst();
  }

  async list(accountId: AccountId): Promise<IdentityInfo[]> {
    const rows = await this.#context.db
      .selectFrom("identities")
      .selectAll()
      .where("account_id", "=", accountId)
      .orderBy("created_at")
      .orderBy("id")
      .execute();
    return rows.map(identityBody);
  }

  /**
   * The account that SCIM has made for a subject, until somebody has come to it, in whatever way; undefined: there is none.
   * SCIM may change external ids, and must not let a second person in.
   */
  async scimAccount(subject: string): Promise<AccountId | undefined> {
    const row = await this.#context.db
      .selectFrom("scim_users")
      .innerJoin("accounts", "accounts.id", "scim_users.account_id")
      .select("scim_users.account_id")
      .where("scim_users.external_id", "=", subject)
      .where("accounts.admin", "=", 0)
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom("identities").select("id").whereRef("account_id", "=", "accounts.id"))),
      )
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom("passkeys").select("id").whereRef("account_id", "=", "accounts.id"))),
      )
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom("access_tokens")
              .select("id")
              .whereRef("account_id", "=", "accounts.id")
              .where("last_used_at", "is not", null),
          ),
        ),
      )
      .executeTakeFirst();
    return row?.account_id;
  }

  /**
   * Adds an identity to an account.
   * @throws ProtocolError forbidden: it belongs to an account already; limit_reached
   */
  async link(accountId: AccountId, facts: IdentityFacts, actor: Actor): Promise<IdentityRow> {
    const row = this.#row(accountId, facts);
    await this.#context.db.transaction().execute((transaction) => insertIdentity(transaction, row));
    this.#audit("identity.linked", row, actor);
    return row;
  }

  /**
   * Adds an identity to the account that an invitation is for, and uses the invitation up.
   * @throws ProtocolError token_unknown, token_revoked, token_expired, bad_request, account_disabled, forbidden, limit_reached
   */
  async linkInvited(invitation: InvitationId, facts: IdentityFacts, address: string): Promise<IdentityRow> {
    const { row, name } = await this.#context.db.transaction().execute(async (transaction) => {
      const taken = await takeInvitation(this.#context, transaction, invitation, "identity");
      const account = await transaction
        .selectFrom("accounts")
        .select(["id", "name"])
        .where("id", "=", taken.account_id)
        .executeTakeFirstOrThrow();
      const linked = this.#row(account.id, facts);
      await insertIdentity(transaction, linked);
      return { row: linked, name: account.name };
    });
    this.#auditInvitation(invitation, "identity", name, address);
    this.#audit("identity.linked", row, { account: name, address });
    return row;
  }

  /**
   * Makes an account for an identity that has none.
   * @param role of the account; `from`: the provider that decides it from now on; null: this gateway does, and an invitation
   * @param invitation it is used up
   * @throws ProtocolError name_taken, limit_reached; forbidden: the identity belongs to an account already; with an
   *   invitation also token_unknown, token_revoked, token_expired, bad_request
   */
  async createAccount(
    name: Name,
    facts: IdentityFacts,
    role: { readonly admin: boolean; readonly from: string | null },
    address: string,
    invitation?: InvitationId,
  ): Promise<IdentityRow> {
    const { db, now, audit } = this.#context;
    const id = newAccountId();
    const row = this.#row(id, facts);
    const admin = await db.transaction().execute(async (transaction) => {
      const invited =
        invitation === undefined
          ? undefined
          : await takeInvitation(this.#context, transaction, invitation, "account");
      if (invited !== undefined && invited.name !== null && invited.name !== name) {
        throw new ProtocolError("bad_request", "The invitation is for a different name.", { field: "name" });
      }
      const isAdmin = role.from === null && invited !== undefined ? invited.admin === 1 : role.admin;
      const account: AccountRow = {
        id,
        name,
        admin: flag(isAdmin),
        disabled: 0,
        created_at: now().toISOString(),
        role_from: role.from,
      };
      await insertAccount(transaction, account);
      await insertIdentity(transaction, row);
      return isAdmin;
    });
    if (invitation !== undefined) this.#auditInvitation(invitation, "account", name, address);
    audit({
      event: "account.created",
      account: name,
      address,
      detail: `${name}${admin ? " (admin)" : ""}, by the provider ${facts.provider}`,
    });
    this.#audit("identity.linked", row, { account: name, address });
    return row;
  }

  /** Somebody signed in by it. */
  async noteSignIn(id: IdentityId, display: string): Promise<void> {
    await this.#context.db
      .updateTable("identities")
      .set({ last_sign_in_at: this.#context.now().toISOString(), display: printable(display, 255) })
      .where("id", "=", id)
      .execute();
  }

  /**
   * Removes an identity of an account. The caller ends its sign-ins.
   * @throws ProtocolError not_found; forbidden: the account has nothing else to sign in with
   */
  async remove(accountId: AccountId, id: IdentityId, actor: Actor): Promise<void> {
    const { db, now } = this.#context;
    const row = await db.transaction().execute(async (transaction) => {
      const found = await transaction
        .selectFrom("identities")
        .selectAll()
        .where("id", "=", id)
        .where("account_id", "=", accountId)
        .executeTakeFirst();
      if (found === undefined) throw new ProtocolError("not_found", "There is no such identity.");
      await transaction.deleteFrom("identities").where("id", "=", id).execute();
      await requireWayIn(transaction, accountId, now());
      return found;
    });
    this.#audit("identity.removed", row, actor);
  }

  /** See provider-roles.ts. */
  async setRole(accountId: AccountId, admin: boolean, provider: string, actor: Actor): Promise<RoleOutcome> {
    return await setRole(this.#context, accountId, admin, provider, actor);
  }

  /** Providers that do not decide who is an administrator leave it to this gateway again. @param deciding their ids */
  async releaseRoles(deciding: readonly string[]): Promise<void> {
    await releaseRoles(this.#context, deciding);
  }

  #row(accountId: AccountId, facts: IdentityFacts): IdentityRow {
    return {
      id: newIdentityId(),
      account_id: accountId,
      provider: facts.provider,
      issuer: facts.issuer,
      subject: facts.subject,
      display: printable(facts.display, 255),
      created_at: this.#context.now().toISOString(),
      last_sign_in_at: null,
    };
  }

  #auditInvitation(id: InvitationId, kind: InvitationKind, account: Name, address: string): void {
    this.#context.audit({ event: "invitation.used", account, address, detail: `${id}: ${kind}` });
  }

  #audit(event: string, row: IdentityRow, actor: Actor): void {
    this.#context.audit({
      event,
      account: actor.account,
      address: actor.address,
      detail: printable(`${row.provider}: ${row.subject} (${row.display})`, 300),
    });
  }
}

/** @throws ProtocolError forbidden, limit_reached */
async function insertIdentity(transaction: Transaction<Tables>, row: IdentityRow): Promise<void> {
  const { count } = await transaction
    .selectFrom("identities")
    .select((select) => select.fn.countAll<number>().as("count"))
    .where("account_id", "=", row.account_id)
    .executeTakeFirstOrThrow();
  if (Number(count) >= LIMITS.identitiesPerAccount) {
    throw new ProtocolError(
      "limit_reached",
      `An account can have at most ${LIMITS.identitiesPerAccount} identities.`,
    );
  }
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto("identities")
    .values(row)
    .onConflict((conflict) => conflict.columns(["issuer", "subject"]).doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 0n) {
    throw new ProtocolError("forbidden", "This identity belongs to an account already.");
  }
}

export function identityBody(row: IdentityRow): IdentityInfo {
  return {
    id: row.id,
    provider: row.provider,
    issuer: row.issuer,
    subject: row.subject,
    name: row.display,
    createdAt: row.created_at,
    lastSignInAt: row.last_sign_in_at,
  };
}
