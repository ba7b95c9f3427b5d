// How a host finds its workspace again, or makes one. The same account and name give the same workspace; an open
// registration is known by its id alone. A host's token is bound to the workspace that it registers first, and a host
// whose key has changed waits for the owner's word.

import type { Transaction } from "kysely";
import { ProtocolError } from "../../protocol/errors.ts";
import { addressBlock } from "../../protocol/values/address-block.ts";
import { clientAddressText } from "../../protocol/values/host-name.ts";
import { newWorkspaceId, type WorkspaceId } from "../../protocol/values/id.ts";
import type { Name } from "../../protocol/values/name.ts";
import type { HeldHostKey, Identity, Registration, WorkspaceRecord } from "../directory.ts";
import { isExpected } from "../link/expected-host-key.ts";
import { flag, LIMITS, type StoreContext } from "./context.ts";
import type { Tables, WorkspaceRow } from "./database/schema.ts";
import { fingerprintOf, parseHeld, parseHostKeys, withHeld } from "./keys/held-host-keys.ts";
import { makeRoom } from "./open-workspaces.ts";
import type { Workspaces } from "./workspaces.ts";

export class Registrations {
  readonly #context: StoreContext;
  readonly #workspaces: Workspaces;
  readonly #openIds: Set<WorkspaceId>;

  constructor(context: StoreContext, workspaces: Workspaces, openIds: Set<WorkspaceId>) {
    this.#context = context;
    this.#workspaces = workspaces;
    this.#openIds = openIds;
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
      if (madeFor !== null && madeFor !== name) throw bound(madeFor, name);
    }
    // A workspace that was renamed at the gateway: its host still asks for the former name, with the id.
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
   * @throws ProtocolError limit_reached (an account's workspaces), gateway_full (open ones), name_taken, token_bound;
   * host_key_held and identity_mismatch for a host whose key is not the workspace's
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
    this.#context.changed({ kind: "workspace", id, open: identity === null });
    return workspace;
  }

  /** The workspace of the account's own token; one that was deleted comes back by a different token only. */
  async #bound(
    registers: Extract<Identity["registers"], { kind: "one" }>,
    name: Name,
  ): Promise<WorkspaceRecord> {
    const workspace = await this.#workspaces.get(registers.id);
    if (workspace === undefined) {
      throw new ProtocolError(
        "token_bound",
        `This access token was for the workspace ${registers.name}, which was deleted: make a new one.`,
      );
    }
    // Renamed at the gateway: its host still asks for the former name.
    if (name !== workspace.name && name !== (await this.#askedName(workspace.id))) {
      throw bound(workspace.name, name);
    }
    return workspace;
  }

  /** `gone`: the row has been removed meanwhile. */
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
      await bind(transaction, registration, id);
      const hostKeys = JSON.stringify(registration.hostKeys);
      const changed = was[0] !== hostKey;
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
          ...(changed ? { accepted_host_key: null } : {}),
        })
        .where("id", "=", id)
        .execute();
      return { kind: "updated", id, changed, moreKeys: row.host_keys !== hostKeys };
    });
    if (update.kind === "updated" && (update.changed || update.moreKeys)) {
      audit({
        event: update.changed ? "workspace.host-key-changed" : "workspace.host-keys-updated",
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

  /** The owner hears of it once; a host that asks again changes nothing. */
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
      `${workspace.name} is known by a different host key, so this host waits for its owner's word. If it is right, run: sallyport workspace host-key ${workspace.name} --accept ${key.fingerprint}`,
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
          `An account has at most ${LIMITS.workspacesPerAccount} workspaces: delete one first.`,
        );
      }
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto("workspaces")
        .values(row)
        .onConflict((conflict) => conflict.columns(["owner_id", "name"]).doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) {
        throw new ProtocolError(
          "name_taken",
          `The workspace ${row.name} is being registered by another host.`,
          {
            field: "name",
          },
        );
      }
      await bind(transaction, registration, row.id);
      return madeRoom;
    });
    for (const id of forgotten) {
      audit({ event: "workspace.forgotten", workspace: id, address, detail: "for a newer one" });
      this.#context.changed({ kind: "workspace-removed", id });
      this.#openIds.delete(id);
    }
    if (owner === null) this.#openIds.add(row.id);
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
  | { readonly kind: "gone" }
  | Held
  | {
      readonly kind: "updated";
      readonly id: WorkspaceId;
      /** By its first key, which it is known by. */
      readonly changed: boolean;
      /** Another set of keys beside the first. */
      readonly moreKeys: boolean;
    };

/**
 * Binds the token of a registration to its workspace. In the transaction that registers, so that of two hosts which come
 * with one token at once the second is refused. @throws ProtocolError token_bound
 */
async function bind(
  transaction: Transaction<Tables>,
  { identity, name }: Registration,
  id: WorkspaceId,
): Promise<void> {
  if (identity === null || identity.registers.kind === "any") return;
  const { numUpdatedRows } = await transaction
    .updateTable("access_tokens")
    .set({ workspace_id: id, workspace_name: name })
    .where("id", "=", identity.tokenId)
    .where((or) =>
      or.or([
        or("workspace_id", "=", id),
        or.and([
          or("workspace_id", "is", null),
          or.or([or("workspace_name", "is", null), or("workspace_name", "=", name)]),
        ]),
      ]),
    )
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw bound(null, name);
}

/** `to`: the workspace that the token is for; null: not this one. */
function bound(to: Name | null, name: Name): ProtocolError {
  return new ProtocolError(
    "token_bound",
    `This access token is for ${to === null ? "a different workspace" : `the workspace ${to} alone`}. Make one for ${name}: sallyport token create --title ${name} --scope host --workspace ${name}`,
    { field: "name" },
  );
}

function notItsKey(): ProtocolError {
  return new ProtocolError("identity_mismatch", "This workspace id belongs to a host with a different key.", {
    field: "workspaceId",
  });
}
