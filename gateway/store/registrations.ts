// How a host finds its workspace again, or makes one. The same account and name give the same workspace; an open
// registration is known by its id alone.

import { ProtocolError } from "../../protocol/errors.ts";
import { newWorkspaceId, type WorkspaceId } from "../../protocol/id.ts";
import type { Name } from "../../protocol/name.ts";
import { parsePublicKey } from "../../protocol/ssh-public-key.ts";
import type { Identity, Registration, WorkspaceRecord } from "../directory.ts";
import { flag, LIMITS, type StoreContext } from "./context.ts";
import type { WorkspaceRow } from "./schema.ts";
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

  async find(
    identity: Identity | null,
    name: Name,
    workspaceId: WorkspaceId | null,
  ): Promise<WorkspaceRecord | undefined> {
    const byId = workspaceId === null ? undefined : await this.#workspaces.get(workspaceId);
    if (identity === null) return byId?.owner === null ? byId : undefined;
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

  /** @throws ProtocolError limit_reached (an account's workspaces), gateway_full (open ones), name_taken */
  async register(registration: Registration): Promise<WorkspaceRecord> {
    const { existing } = registration;
    const id =
      (existing !== null && (await this.#update(existing, registration))) ||
      (await this.#insert(registration));
    const workspace = await this.#workspaces.get(id);
    if (workspace === undefined) {
      throw new ProtocolError("workspace_unknown", "This workspace was removed while it registered.");
    }
    this.#context.changed({ kind: "workspace", id, open: registration.identity === null });
    return workspace;
  }

  /** The id, or undefined where the row has been removed meanwhile. */
  async #update(existing: WorkspaceRecord, registration: Registration): Promise<WorkspaceId | undefined> {
    const { db, now, audit } = this.#context;
    const { numUpdatedRows } = await db
      .updateTable("workspaces")
      .set({
        asked_name: registration.name,
        host_keys: JSON.stringify(registration.hostKeys),
        end_to_end_only: flag(registration.endToEndOnly),
        owner_tokens: flag(registration.ownerTokens),
        browser_url: registration.browserUrl,
        folder: registration.folder,
        last_seen_at: now().toISOString(),
      })
      .where("id", "=", existing.id)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) return undefined;
    if (existing.hostKeys[0] !== registration.hostKeys[0]) {
      audit({
        event: "workspace.host-key-changed",
        account: registration.identity?.account.name,
        workspace: existing.id,
        key: fingerprintOf(registration.hostKeys[0]),
        detail: `was ${fingerprintOf(existing.hostKeys[0])}`,
      });
    }
    return existing.id;
  }

  async #insert(registration: Registration): Promise<WorkspaceId> {
    const { db, now, audit } = this.#context;
    const owner = registration.identity?.account ?? null;
    const time = now().toISOString();
    const row: WorkspaceRow = {
      id: newWorkspaceId(),
      owner_id: owner?.id ?? null,
      name: registration.name,
      asked_name: registration.name,
      host_keys: JSON.stringify(registration.hostKeys),
      end_to_end_only: flag(registration.endToEndOnly),
      owner_tokens: flag(registration.ownerTokens),
      browser_url: registration.browserUrl,
      folder: registration.folder,
      created_at: time,
      last_seen_at: time,
    };
    await db.transaction().execute(async (transaction) => {
      const { count } = await transaction
        .selectFrom("workspaces")
        .select((select) => select.fn.countAll<number>().as("count"))
        .where("owner_id", owner === null ? "is" : "=", owner?.id ?? null)
        .executeTakeFirstOrThrow();
      if (owner === null && Number(count) >= LIMITS.openWorkspaces) {
        throw new ProtocolError(
          "gateway_full",
          `This gateway has ${LIMITS.openWorkspaces} open workspaces already; sign in to register one.`,
        );
      }
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
    });
    if (owner === null) this.#openIds.add(row.id);
    audit({ event: "workspace.created", account: owner?.name, workspace: row.id, detail: row.name });
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

function fingerprintOf(line: string | undefined): string {
  return line === undefined ? "none" : parsePublicKey(line).fingerprint;
}
