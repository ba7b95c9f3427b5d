// How a registering host finds its workspace again, or creates one. The same account and name give the same
// workspace; an accountless one is found by its id only. A host token is bound to the workspace that it
// registers first (tokens/host-token.ts), and a host whose key has changed waits for the owner's decision
// (keys/held-host-keys.ts).

import { ProtocolError } from "../../protocol/errors.ts";
import { addressBlock } from "../../protocol/values/address-block.ts";
import { clientAddressText } from "../../protocol/values/host-name.ts";
import { newWorkspaceId, type WorkspaceId } from "../../protocol/values/id.ts";
import type { Name } from "../../protocol/values/name.ts";
import type { HeldHostKey, Identity, Registration, WorkspaceRecord } from "../directory.ts";
import { isExpected } from "../link/expected-host-key.ts";
import { makeRoom } from "./accountless-workspaces.ts";
import { flag, LIMITS, type StoreContext } from "./context.ts";
import type { WorkspaceRow } from "./database/schema.ts";
import { fingerprintOf, parseHeld, parseHostKeys, withHeld } from "./keys/held-host-keys.ts";
import { bindToken, tokenBound } from "./tokens/host-token.ts";
import type { Workspaces } from "./workspaces.ts";

export class Registrations {
  readonly #context: StoreContext;
  readonly #workspaces: Workspaces;
  readonly #accountlessIds: Set<WorkspaceId>;

  constructor(context: StoreContext, workspaces: Workspaces, accountlessIds: Set<WorkspaceId>) {
    this.#context = context;
    this.#workspaces = workspaces;
    this.#accountlessIds = accountlessIds;
  }

  /** @throws ProtocolError token_bound */
  async find(
    identity: Identity | null,
    name: Name,
    workspaceId: WorkspaceId | null,
  ): Promise<WorkspaceRecord | undefined> {
    if (identity?.registers.kind === "one") return this.#bound(identity.registers, name);
    const byId = workspaceId === null ? undefined : await this.#workspaces.get(workspaceId);
    if (identity === null) return byId?.owner === null ? byId : undefined;
    if (identity.registers.kind === "first") {
      const { name: madeFor } = identity.registers;
      if (madeFor !== null && madeFor !== name) throw tokenBound(madeFor, name);
    }
    // The workspace was renamed at the gateway: its host still asks for the old name, and sends the id.
    if (byId?.owner?.id === identity.account.id && (await this.#askedName(byId.id)) === name) return byId;
    const row = await this.#context.db
      .selectFrom("workspaces")
      .select("id")
      .where("owner_id", "=", identity.account.id)
      .where("name", "=", name)
      .executeTakeFirst();
    return row === undefined ? undefined : this.#workspaces.get(row.id);
  }

  /**
   * @throws ProtocolError limit_reached; gateway_full (accountless workspaces); name_taken; token_bound;
   *   host_key_held and identity_mismatch for a host whose key is not the workspace's
   */
  async register(registration: Registration): Promise<WorkspaceRecord> {
    const { existing } = registration;
    const updated = existing === null ? undefined : await this.#update(existing, registration);
    if (updated?.kind === "held") throw this.#heldBack(updated, registration);
    const id = updated?.kind === "updated" ? updated.id : await this.#insert(registration);
    const workspace = await this.#workspaces.get(id);
    if (workspace === undefined) {
      throw new ProtocolError("workspace_unknown", "This workspace was removed while it registered.");
    }
    const { identity, address } = registration;
    if (identity?.registers.kind === "first") {
      const token = identity.tokenId;
      const account = identity.account.name;
      this.#context.audit({ event: "token.bound", account, address, token, workspace: id });
    }
    this.#context.changed({ kind: "workspace", id, accountless: identity === null });
    return workspace;
  }

  /** The workspace that a token is bound to. Once it is deleted, only a different token can bring it back. */
  async #bound(
    registers: Extract<Identity["registers"], { kind: "one" }>,
    name: Name,
  ): Promise<WorkspaceRecord> {
    const workspace = await this.#workspaces.get(registers.id);
    if (workspace === undefined) {
      throw new ProtocolError(
        "token_bound",
        `This access token was for the workspace ${registers.name}, which was deleted. Make a new token.`,
      );
    }
    // After the workspace was renamed at the gateway its host still asks for the old name.
    if (name !== workspace.name && name !== (await this.#askedName(workspace.id))) {
      throw tokenBound(workspace.name, name);
    }
    return workspace;
  }

  async #update(existing: WorkspaceRecord, registration: Registration): Promise<Update> {
    const { db, now, audit } = this.#context;
    const time = now().toISOString();
    const { id } = existing;
    const [hostKey] = registration.hostKeys;
    const update = await db.transaction().execute(async (transaction): Promise<Update> => {
      const row = await transaction
        .selectFrom("workspaces")
        .select(["owner_id", "host_keys", "held_host_keys", "accepted_host_key"])
        .where("id", "=", id)
        .executeTakeFirst();
      if (row === undefined) return { kind: "gone" };
      const was = parseHostKeys(row.host_keys);
      if (!isExpected({ hostKeys: was, acceptedHostKey: row.accepted_host_key }, hostKey)) {
        if (row.owner_id === null || hostKey === undefined) throw notItsKey();
        const before = parseHeld(row.held_host_keys);
        const key = {
          fingerprint: fingerprintOf(hostKey),
          publicKey: hostKey,
          since: time,
          address: clientAddressText(registration.address),
          declined: false,
        };
        const held = withHeld(before, key);
        if (held === undefined) {
          const known = before.find(({ fingerprint }) => fingerprint === key.fingerprint) ?? key;
          return { kind: "held", workspace: existing, key: known, isNew: false };
        }
        await transaction
          .updateTable("workspaces")
          .set({ held_host_keys: JSON.stringify(held) })
          .where("id", "=", id)
          .execute();
        return { kind: "held", workspace: existing, key, isNew: true };
      }
      await bindToken(transaction, registration, id);
      const hostKeys = JSON.stringify(registration.hostKeys);
      const change = was[0] !== hostKey ? "first" : row.host_keys !== hostKeys ? "others" : "none";
      await transaction
        .updateTable("workspaces")
        .set({
          asked_name: registration.name,
          host_keys: hostKeys,
          end_to_end_only: flag(registration.endToEndOnly),
          owner_tokens: flag(registration.ownerTokens),
          browser_url: registration.browserUrl,
          folder: registration.folder,
          last_seen_at: time,
          ...(change === "first" ? { accepted_host_key: null } : {}),
        })
        .where("id", "=", id)
        .execute();
      return { kind: "updated", id, hostKeys: change };
    });
    if (update.kind === "updated" && update.hostKeys !== "none") {
      audit({
        event: update.hostKeys === "first" ? "workspace.host-key-changed" : "workspace.host-keys-updated",
        account: registration.identity?.account.name,
        workspace: id,
        token: registration.identity?.tokenId,
        address: registration.address,
        key: fingerprintOf(hostKey),
        detail: `was ${existing.hostKeys.map(fingerprintOf).join(" ")}, is ${registration.hostKeys.map(fingerprintOf).join(" ")}`,
      });
    }
    return update;
  }

  /** What the host is told. The owner is notified once, however often the host asks again. */
  #heldBack({ workspace, key, isNew }: Held, { identity, address }: Registration): ProtocolError {
    if (isNew) {
      this.#context.audit({
        event: "workspace.host-key-held",
        account: identity?.account.name,
        workspace: workspace.id,
        token: identity?.tokenId,
        address,
        key: key.fingerprint,
        detail: `beside ${fingerprintOf(workspace.hostKeys[0])}`,
      });
      this.#context.changed({ kind: "workspace", id: workspace.id });
    }
    if (key.declined) {
      return new ProtocolError(
        "identity_mismatch",
        `The owner of ${workspace.name} has declined the host key ${key.fingerprint}.`,
        { field: "hostKeys" },
      );
    }
    return new ProtocolError(
      "host_key_held",
      `${workspace.name} is known by a different host key, so this host waits for the owner to accept its key. If the key is right, run: sallyport workspace host-key ${workspace.name} --accept ${key.fingerprint}`,
      { field: "hostKeys" },
    );
  }

  async #insert(registration: Registration): Promise<WorkspaceId> {
    const { db, now, audit } = this.#context;
    const owner = registration.identity?.account ?? null;
    const time = now().toISOString();
    const { isOnline = () => false, address } = registration;
    const block = addressBlock(address);
    const row: WorkspaceRow = {
      id: newWorkspaceId(),
      owner_id: owner?.id ?? null,
      name: registration.name,
      asked_name: registration.name,
      host_keys: JSON.stringify(registration.hostKeys),
      held_host_keys: "[]",
      accepted_host_key: null,
      end_to_end_only: flag(registration.endToEndOnly),
      owner_tokens: flag(registration.ownerTokens),
      browser_url: registration.browserUrl,
      folder: registration.folder,
      created_at: time,
      last_seen_at: time,
      frozen_at: null,
      registered_from: owner === null ? block : null,
    };
    const forgotten = await db.transaction().execute(async (transaction) => {
      const { count } = await transaction
        .selectFrom("workspaces")
        .select((select) => select.fn.countAll<number>().as("count"))
        .where("owner_id", owner === null ? "is" : "=", owner?.id ?? null)
        .executeTakeFirstOrThrow();
      const madeRoom = owner === null ? await makeRoom(transaction, block, isOnline) : [];
      if (Number(count) >= LIMITS.workspacesPerAccount && owner !== null) {
        throw new ProtocolError(
          "limit_reached",
          `An account can have at most ${LIMITS.workspacesPerAccount} workspaces. Delete one first.`,
        );
      }
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto("workspaces")
        .values(row)
        .onConflict((conflict) => conflict.columns(["owner_id", "name"]).doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) {
        throw new ProtocolError("name_taken", `Another host is registering the workspace ${row.name}.`, {
          field: "name",
        });
      }
      await bindToken(transaction, registration, row.id);
      return madeRoom;
    });
    for (const id of forgotten) {
      audit({ event: "workspace.forgotten", workspace: id, address, detail: "for a newer one" });
      this.#context.changed({ kind: "workspace-removed", id });
      this.#accountlessIds.delete(id);
    }
    if (owner === null) this.#accountlessIds.add(row.id);
    audit({ event: "workspace.created", account: owner?.name, address, workspace: row.id, detail: row.name });
    return row.id;
  }

  async #askedName(id: WorkspaceId): Promise<Name | undefined> {
    const row = await this.#context.db
      .selectFrom("workspaces")
      .select("asked_name")
      .where("id", "=", id)
      .executeTakeFirst();
    return row?.asked_name;
  }
}

type Held = {
  readonly kind: "held";
  readonly workspace: WorkspaceRecord;
  readonly key: HeldHostKey;
  readonly isNew: boolean;
};
type Update =
  /** The workspace has been removed in the meantime. */
  | { readonly kind: "gone" }
  | Held
  | {
      readonly kind: "updated";
      readonly id: WorkspaceId;
      /**
       * Which host keys have changed: the first, by which the workspace is known, or only those beside it.
       */
      readonly hostKeys: "first" | "others" | "none";
    };

function notItsKey(): ProtocolError {
  return new ProtocolError("identity_mismatch", "This workspace id belongs to a host with a different key.", {
    field: "workspaceId",
  });
}
