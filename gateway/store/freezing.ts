// Freezing: a workspace, a key or a person is locked at once, and everything of theirs ends. Nothing is lost by it, so that
// somebody who has doubts can freeze first and look afterwards.

import { ProtocolError } from "../../protocol/errors.ts";
import type { AccountId, KeyId } from "../../protocol/values/id.ts";
import type { WorkspaceRecord } from "../directory.ts";
import type { Accounts } from "./accounts.ts";
import type { Actor, StoreContext } from "./context.ts";
import { workspacesThatTrust } from "./keys/ssh-keys.ts";
import type { SignIns } from "./sign-ins/sign-ins.ts";
import type { Durability } from "./unwritten.ts";

interface FrozenKey {
  readonly accountId: AccountId;
  readonly fingerprint: string;
}

export class Freezing {
  readonly #context: StoreContext;
  readonly #accounts: Accounts;
  readonly #signIns: SignIns;

  constructor(context: StoreContext, accounts: Accounts, signIns: SignIns) {
    this.#context = context;
    this.#accounts = accounts;
    this.#signIns = signIns;
  }

  /** Ends its link and all connections to it. Freezing it again changes nothing. @throws ProtocolError workspace_unknown */
  async workspace(workspace: WorkspaceRecord, actor: Actor): Promise<Durability> {
    const { db, now, changed, audit, unwritten } = this.#context;
    const { id } = workspace;
    return await unwritten.revoke(
      async () => {
        const { numUpdatedRows } = await db
          .updateTable("workspaces")
          .set({ frozen_at: now().toISOString() })
          .where("id", "=", id)
          .where("frozen_at", "is", null)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return;
        audit({ event: "workspace.frozen", ...actor, workspace: id });
        changed({ kind: "workspace-frozen", id });
      },
      async () => [{ kind: "workspace-frozen", id }],
    );
  }

  /** Unfreezing it again changes nothing. */
  async unfreezeWorkspace({ id }: WorkspaceRecord, actor: Actor): Promise<void> {
    const { db, changed, audit, unwritten } = this.#context;
    const { numUpdatedRows } = await db
      .updateTable("workspaces")
      .set({ frozen_at: null })
      .where("id", "=", id)
      .where("frozen_at", "is not", null)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n && !unwritten.isFrozen(id)) return;
    audit({ event: "workspace.unfrozen", ...actor, workspace: id });
    changed({ kind: "workspace-unfrozen", id });
  }

  /** Ends all that was opened with the key, also at hosts. @throws ProtocolError not_found */
  async key(accountId: AccountId, id: KeyId, actor: Actor): Promise<Durability> {
    const { db, now, changed, audit, unwritten } = this.#context;
    const key = await this.#key(accountId, id);
    return await unwritten.revoke(
      async () => {
        const { numUpdatedRows } = await db
          .updateTable("ssh_keys")
          .set({ frozen_at: now().toISOString() })
          .where("id", "=", id)
          .where("frozen_at", "is", null)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return;
        audit({ event: "key.frozen", ...actor, key: key.fingerprint });
        changed({ kind: "key-frozen", ...key });
        changed({ kind: "keys", workspaceIds: await workspacesThatTrust(db, accountId) });
      },
      async () => [
        { kind: "key-frozen", ...key },
        { kind: "keys", workspaceIds: await workspacesThatTrust(db, accountId) },
      ],
    );
  }

  /** @throws ProtocolError not_found */
  async unfreezeKey(accountId: AccountId, id: KeyId, actor: Actor): Promise<void> {
    const { db, changed, audit, unwritten } = this.#context;
    const key = await this.#key(accountId, id);
    const { numUpdatedRows } = await db
      .updateTable("ssh_keys")
      .set({ frozen_at: null })
      .where("id", "=", id)
      .where("frozen_at", "is not", null)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n && !unwritten.has({ kind: "key-frozen", ...key })) return;
    audit({ event: "key.unfrozen", ...actor, key: key.fingerprint });
    changed({ kind: "key-unfrozen", ...key });
    changed({ kind: "keys", workspaceIds: await workspacesThatTrust(db, accountId) });
  }

  /**
   * Disables an account and signs it out everywhere. Its access tokens and keys work again once it is enabled; browsers and
   * programs have to sign in again.
   * @throws ProtocolError not_found; forbidden: the last administrator
   */
  async person(id: AccountId, actor: Actor): Promise<Durability> {
    const { durability } = await this.#accounts.setDisabled(id, true, actor);
    for (const signIn of await this.#signIns.living(id)) await this.#context.endToken(id, signIn, actor);
    return durability;
  }

  async #key(accountId: AccountId, id: KeyId): Promise<FrozenKey> {
    const row = await this.#context.db
      .selectFrom("ssh_keys")
      .select("fingerprint")
      .where("id", "=", id)
      .where("account_id", "=", accountId)
      .executeTakeFirst();
    if (row === undefined) {
      throw new ProtocolError("not_found", "There is no such key, or it is not proved yet.");
    }
    return { accountId, fingerprint: row.fingerprint };
  }
}
