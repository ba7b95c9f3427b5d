// The owner's decisions on held host keys: a host whose key is accepted takes over the workspace, and one
// whose key is declined is refused.

import { ProtocolError } from "../../../protocol/errors.ts";
import { isFingerprint, parsePublicKey } from "../../../protocol/values/ssh-public-key.ts";
import type { HeldHostKey } from "../../directory.ts";
import type { Actor, StoreContext } from "../context.ts";
import type { WorkspaceRow } from "../database/schema.ts";
import type { OwnedWorkspace } from "../workspaces.ts";
import { fingerprintOf, parseHeld, parseHostKeys } from "./held-host-keys.ts";

/**
 * The owner's decision on a host key, by fingerprint: before its host registers, while it waits, or later.
 */
export class HostKeyDecisions {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * The host with this key takes over the workspace when it registers next.
   * @throws ProtocolError bad_key, workspace_unknown
   */
  async accept(workspace: OwnedWorkspace, fingerprint: string, actor: Actor): Promise<void> {
    await this.#decide(workspace, fingerprint, actor, "accepted", (held) => ({
      held_host_keys: JSON.stringify(held.filter((key) => key.fingerprint !== fingerprint)),
      accepted_host_key: fingerprint,
    }));
  }

  /**
   * The host with this key is refused from now on.
   * @throws ProtocolError bad_key, not_found, workspace_unknown
   */
  async decline(workspace: OwnedWorkspace, fingerprint: string, actor: Actor): Promise<void> {
    await this.#decide(workspace, fingerprint, actor, "declined", (held, accepted) => {
      if (accepted !== fingerprint && !held.some((key) => key.fingerprint === fingerprint)) {
        throw new ProtocolError("not_found", "No host with this key has tried to register this workspace.", {
          field: "fingerprint",
        });
      }
      const after = held.map((key) => (key.fingerprint === fingerprint ? { ...key, declined: true } : key));
      return {
        held_host_keys: JSON.stringify(after),
        accepted_host_key: accepted === fingerprint ? null : accepted,
      };
    });
  }

  async #decide(
    workspace: OwnedWorkspace,
    fingerprint: string,
    actor: Actor,
    word: "accepted" | "declined",
    change: (
      held: readonly HeldHostKey[],
      accepted: string | null,
    ) => Pick<WorkspaceRow, "held_host_keys" | "accepted_host_key">,
  ): Promise<void> {
    const { db, changed, audit } = this.#context;
    if (!isFingerprint(fingerprint)) {
      throw new ProtocolError("bad_key", "Give the fingerprint of a host key: SHA256:….", {
        field: "fingerprint",
      });
    }
    const was = await db.transaction().execute(async (transaction) => {
      const row = await transaction
        .selectFrom("workspaces")
        .select(["host_keys", "held_host_keys", "accepted_host_key"])
        .where("id", "=", workspace.id)
        .executeTakeFirst();
      if (row === undefined) {
        throw new ProtocolError("workspace_unknown", "This workspace has just been removed.", {
          field: "workspace",
        });
      }
      const [present] = parseHostKeys(row.host_keys);
      if (present !== undefined && parsePublicKey(present).fingerprint === fingerprint) {
        throw new ProtocolError("bad_request", "The workspace already has this key.", {
          field: "fingerprint",
        });
      }
      await transaction
        .updateTable("workspaces")
        .set(change(parseHeld(row.held_host_keys), row.accepted_host_key))
        .where("id", "=", workspace.id)
        .execute();
      return present;
    });
    audit({
      event: `workspace.host-key-${word}`,
      account: actor.account,
      address: actor.address,
      workspace: workspace.id,
      key: fingerprint,
      detail: `beside ${fingerprintOf(was)}`,
    });
    changed({ kind: "workspace", id: workspace.id });
  }
}
