// A principal: who has signed in at the SSH port, and which workspaces they may reach.

import { ProtocolError } from "../../../protocol/errors.ts";
import type { Certificate } from "../../../protocol/ssh/certificate.ts";
import type { WorkspaceRef } from "../../../protocol/values/name.ts";
import type { AccountRecord, Directory, OwnerGrant, WorkspaceRecord } from "../../directory.ts";
import { holderOf, reachedWorkspace } from "../../open-connections.ts";
import type { UptermSession } from "../upterm-front.ts";

/** A key whose holder has signed. */
export interface ProvedKey {
  /** authorized_keys form, without a comment; with a certificate, the key that it certifies. */
  readonly line: string;
  readonly fingerprint: string;
}

export type Principal =
  | {
      readonly kind: "account";
      readonly account: AccountRecord;
      readonly key: ProvedKey;
      /** undefined: the account has registered the key itself. */
      readonly certificate: Certificate | undefined;
    }
  /** Somebody who knows the id of an accountless workspace, which is the secret that opens it. */
  | { readonly kind: "accountless"; readonly key: ProvedKey }
  | { readonly kind: "owner-token"; readonly grant: OwnerGrant }
  | { readonly kind: "upterm"; readonly session: UptermSession; readonly key: ProvedKey };

/**
 * The workspace that a reference means.
 * @throws ProtocolError workspace_unknown, the same for one that does not exist and one that the principal
 *   may not reach
 */
export async function reachableWorkspace(
  directory: Directory,
  principal: Principal,
  ref: WorkspaceRef,
): Promise<WorkspaceRecord> {
  switch (principal.kind) {
    case "account":
      return directory.resolveWorkspace(ref, { account: principal.account });
    case "accountless":
      return directory.resolveWorkspace(ref, null);
    case "owner-token": {
      const workspace = await directory.workspace(principal.grant.workspaceId);
      if (workspace !== undefined && isNamedBy(workspace, ref)) return workspace;
      throw new ProtocolError("workspace_unknown", "This owner token does not open this workspace.");
    }
    case "upterm":
      throw new ProtocolError("workspace_unknown", "There is no such workspace here.");
  }
}

/** Whose share of the waiting slots is used while this workspace is waited for. */
export function slotHolder(workspace: WorkspaceRecord, principal: Principal, address: string): string {
  const accountId = principal.kind === "account" ? principal.account.id : null;
  return holderOf({ accountId, to: reachedWorkspace(workspace, undefined) }, address);
}

/**
 * Whether a reference fits this workspace, regardless of who asks: a name without an owner fits the
 * workspace of any owner.
 */
export function isNamedBy(workspace: WorkspaceRecord, ref: WorkspaceRef): boolean {
  if (ref.kind === "id") return ref.id === workspace.id;
  return ref.name === workspace.name && (ref.owner === undefined || ref.owner === workspace.owner?.name);
}
