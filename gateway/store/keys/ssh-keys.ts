// Proved keys: the SSH public keys of accounts whose holders have proved them (pending-keys.ts), and the
// workspaces that they open.

import type { Kysely } from "kysely";
import type { Key } from "../../../protocol/api.ts";
import type { PushedKey } from "../../../protocol/control.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { MAX_PUSHED_KEYS } from "../../../protocol/limits.ts";
import type { AccountId, KeyId, WorkspaceId } from "../../../protocol/values/id.ts";
import { printable } from "../../../protocol/values/printable.ts";
import type { KeyHolder } from "../../directory.ts";
import { fittingKeys } from "../../link/fitting-keys.ts";
import { type Actor, LIMITS, type StoreContext } from "../context.ts";
import type { PendingKeyRow, SshKeyRow, Tables } from "../database/schema.ts";
import { shareHolds } from "../shares/share-end.ts";
import { lastUseBefore } from "../tokens/last-use.ts";
import { type Durability, unlessUnwritable } from "../unwritten.ts";

export class SshKeys {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Makes a pending key that has just been proved a key of its account. A key belongs to one account only. If
   * another account has registered it before proofs were required, that account loses it.
   * @throws ProtocolError key_taken, without saying by whom; limit_reached
   */
  async accept(pending: PendingKeyRow, actor: Actor): Promise<Key> {
    const { db, now, changed, audit } = this.#context;
    const { id, account_id, title, type, blob, fingerprint, created_at } = pending;
    const proved_at = now().toISOString();
    const unused = { last_used_at: null, last_used_from: null, frozen_at: null };
    const row: SshKeyRow = {
      ...{ id, account_id, title, type, blob, fingerprint, created_at, proved_at },
      ...unused,
    };
    const { unproved, wasAdded } = await db.transaction().execute(async (transaction) => {
      const { count } = await transaction
        .selectFrom("ssh_keys")
        .select((select) => select.fn.countAll<number>().as("count"))
        .where("account_id", "=", account_id)
        .executeTakeFirstOrThrow();
      if (Number(count) >= LIMITS.keysPerAccount) {
        throw new ProtocolError(
          "limit_reached",
          `An account can have at most ${LIMITS.keysPerAccount} keys. Remove one first.`,
        );
      }
      const { numDeletedRows } = await transaction
        .deleteFrom("pending_keys")
        .where("id", "=", id)
        .executeTakeFirst();
      // Since it was looked up, it may have been removed, or proved by another request.
      if (numDeletedRows !== 1n) {
        throw new ProtocolError("not_found", "No such key is waiting to be proved.");
      }
      const unproved = await transaction
        .deleteFrom("ssh_keys")
        .where("fingerprint", "=", fingerprint)
        .where("proved_at", "is", null)
        .returning("account_id")
        .executeTakeFirst();
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto("ssh_keys")
        .values(row)
        .onConflict((conflict) => conflict.column("fingerprint").doNothing())
        .executeTakeFirstOrThrow();
      return { unproved: unproved?.account_id, wasAdded: numInsertedOrUpdatedRows !== 0n };
    });
    const { account, address } = actor;
    if (!wasAdded) {
      audit({ event: "key.refused", account, address, key: fingerprint, code: "key_taken" });
      const message =
        "This key belongs to another account at this gateway. Remove it there first, or use a different key.";
      throw new ProtocolError("key_taken", message, { field: "publicKey" });
    }
    if (unproved !== undefined && unproved !== account_id) {
      audit({
        event: "key.removed",
        account,
        address,
        key: fingerprint,
        detail: "proved for another account",
      });
      changed({ kind: "key-removed", accountId: unproved, fingerprint });
      changed({ kind: "keys", workspaceIds: await workspacesThatTrust(db, unproved) });
    }
    audit({ event: "key.added", account, address, key: fingerprint });
    changed({ kind: "keys", workspaceIds: await workspacesThatTrust(db, account_id) });
    return keyBody(row);
  }

  async list(accountId: AccountId): Promise<Key[]> {
    const rows = await this.#context.db
      .selectFrom("ssh_keys")
      .selectAll()
      .where("account_id", "=", accountId)
      .orderBy("created_at")
      .orderBy("id")
      .execute();
    return rows
      .filter(({ fingerprint }) => !this.#isRemoved(accountId, fingerprint))
      .map((row) => ({ ...keyBody(row), ...(this.#isFrozen(row) ? { frozen: true } : {}) }));
  }

  /** @throws ProtocolError not_found */
  async remove(accountId: AccountId, id: KeyId, actor: Actor): Promise<Durability> {
    return await this.#context.unwritten.revoke(
      () => this.#writeRemoved(accountId, id, actor),
      async () => {
        const key = (await this.list(accountId)).find((each) => each.id === id);
        if (key === undefined) throw new ProtocolError("not_found", "There is no such key.");
        return [
          { kind: "key-removed", accountId, fingerprint: key.fingerprint },
          { kind: "keys", workspaceIds: await workspacesThatTrust(this.#context.db, accountId) },
        ];
      },
    );
  }

  #isRemoved(accountId: AccountId, fingerprint: string): boolean {
    return this.#context.unwritten.has({ kind: "key-removed", accountId, fingerprint });
  }

  #isFrozen(row: Pick<SshKeyRow, "account_id" | "fingerprint" | "frozen_at">): boolean {
    const { account_id: accountId, fingerprint, frozen_at } = row;
    return frozen_at !== null || this.#context.unwritten.has({ kind: "key-frozen", accountId, fingerprint });
  }

  async #writeRemoved(accountId: AccountId, id: KeyId, actor: Actor): Promise<void> {
    const { db, changed, audit } = this.#context;
    const row = await db
      .deleteFrom("ssh_keys")
      .where("id", "=", id)
      .where("account_id", "=", accountId)
      .returning("fingerprint")
      .executeTakeFirst();
    if (row === undefined) throw new ProtocolError("not_found", "There is no such key.");
    audit({ event: "key.removed", account: actor.account, address: actor.address, key: row.fingerprint });
    changed({ kind: "key-removed", accountId, fingerprint: row.fingerprint });
    changed({ kind: "keys", workspaceIds: await workspacesThatTrust(db, accountId) });
  }

  /** The account that a key belongs to, even if it is disabled. */
  async account(fingerprint: string): Promise<KeyHolder | undefined> {
    const row = await this.#context.db
      .selectFrom("ssh_keys")
      .innerJoin("accounts", "accounts.id", "ssh_keys.account_id")
      .select(["accounts.id", "accounts.name", "accounts.disabled", "ssh_keys.frozen_at"])
      .where("ssh_keys.fingerprint", "=", fingerprint)
      .executeTakeFirst();
    if (row === undefined || this.#isRemoved(row.id, fingerprint)) return undefined;
    const disabled = row.disabled === 1 || this.#context.unwritten.isDisabled(row.id);
    const keyFrozen = this.#isFrozen({ account_id: row.id, fingerprint, frozen_at: row.frozen_at });
    return { id: row.id, name: row.name, disabled, keyFrozen };
  }

  /** Notes when and from where a key was last used, at most once a minute. A full disk keeps nobody out. */
  async used(fingerprint: string, address: string): Promise<void> {
    const { db, now } = this.#context;
    const time = now();
    await db
      .updateTable("ssh_keys")
      .set({ last_used_at: time.toISOString(), last_used_from: address })
      .where("fingerprint", "=", fingerprint)
      .where((or) => or.or([or("last_used_at", "is", null), or("last_used_at", "<=", lastUseBefore(time))]))
      .execute()
      .catch(unlessUnwritable);
  }

  /**
   * The keys that a workspace's host accepts: the owner's first, then those of every enabled account that it
   * is shared with, as many as fit into one control message.
   */
  async pushed(id: WorkspaceId): Promise<PushedKey[]> {
    const { db } = this.#context;
    const select = db
      .selectFrom("ssh_keys")
      .innerJoin("accounts", "accounts.id", "ssh_keys.account_id")
      .where("accounts.disabled", "=", 0)
      .where("ssh_keys.frozen_at", "is", null)
      .select(["ssh_keys.type", "ssh_keys.blob", "ssh_keys.fingerprint", "accounts.id", "accounts.name"])
      .orderBy("ssh_keys.created_at")
      .orderBy("ssh_keys.id")
      .limit(MAX_PUSHED_KEYS);
    const own = await select
      .innerJoin("workspaces", "workspaces.owner_id", "accounts.id")
      .where("workspaces.id", "=", id)
      .execute();
    const shared = await select
      .innerJoin("shares", "shares.account_id", "accounts.id")
      .where("shares.workspace_id", "=", id)
      .where("shares.accepted_at", "is not", null)
      .where(shareHolds(this.#context.now()))
      .execute();
    const { unwritten } = this.#context;
    const all = [...own, ...shared].filter(
      (key) =>
        !unwritten.isDisabled(key.id) &&
        !this.#isRemoved(key.id, key.fingerprint) &&
        !unwritten.has({ kind: "key-frozen", accountId: key.id, fingerprint: key.fingerprint }) &&
        !unwritten.isOutOfReach(id, key.id),
    );
    return fittingKeys(all.map(({ type, blob, name }) => ({ publicKey: `${type} ${blob}`, account: name })));
  }
}

/** Every workspace that an account's keys open: its own, and those shared with it. */
export async function workspacesThatTrust(db: Kysely<Tables>, accountId: AccountId): Promise<WorkspaceId[]> {
  const own = await db.selectFrom("workspaces").select("id").where("owner_id", "=", accountId).execute();
  const shared = await db
    .selectFrom("shares")
    .select("workspace_id as id")
    .where("account_id", "=", accountId)
    .where("accepted_at", "is not", null)
    .execute();
  return [...own, ...shared].map((row) => row.id);
}

function keyBody(row: SshKeyRow): Key {
  return {
    id: row.id,
    // Earlier versions stored any text.
    title: printable(row.title),
    type: row.type,
    fingerprint: row.fingerprint,
    publicKey: `${row.type} ${row.blob}`,
    createdAt: row.created_at,
    provedAt: row.proved_at,
    lastUsedAt: row.last_used_at,
    lastUsedFrom: row.last_used_from,
  };
}
