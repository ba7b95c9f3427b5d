// Tokens for hosts: which workspaces such a token registers. Unless it is reusable, a token that is only for
// hosts is bound to the first workspace that it registers, or to the one that it was made for.

import type { Transaction } from "kysely";
import type { Scope } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import type { Registration, RegistrationRight } from "../../directory.ts";
import type { AccessTokenRow, Tables } from "../database/schema.ts";

/**
 * Whether a token is only for hosts. One that manages the account or the gateway can make a host token for
 * each workspace, so binding it would protect nothing.
 */
function isForHosts(scopes: readonly Scope[]): boolean {
  return scopes.includes("host") && !scopes.includes("account") && !scopes.includes("admin");
}

/** @param scopes the row's, parsed */
export function registersWhat(
  row: Pick<AccessTokenRow, "reusable" | "workspace_id" | "workspace_name">,
  scopes: readonly Scope[],
): RegistrationRight {
  if (row.reusable === 1 || !isForHosts(scopes)) return { kind: "any" };
  if (row.workspace_id === null || row.workspace_name === null) {
    return { kind: "first", name: row.workspace_name };
  }
  return { kind: "one", id: row.workspace_id, name: row.workspace_name };
}

/**
 * Refuses to make a token whose `workspace` or `reusable` would have no effect.
 * @throws ProtocolError bad_request
 */
export function checkBinding(wanted: {
  readonly scopes: readonly Scope[];
  readonly workspace?: Name | undefined;
  readonly reusable?: boolean | undefined;
}): void {
  const { scopes, workspace, reusable } = wanted;
  if (workspace === undefined && reusable !== true) return;
  const field = workspace === undefined ? "reusable" : "workspace";
  if (workspace !== undefined && reusable === true) {
    throw new ProtocolError("bad_request", "A token can be for one workspace or reusable, not both.", {
      field,
    });
  }
  if (!isForHosts(scopes)) {
    throw new ProtocolError(
      "bad_request",
      "Only a token with the scope host, and without account and admin, can be for one workspace or reusable.",
      { field },
    );
  }
}

/**
 * Binds the token of a registration to its workspace. This happens in the transaction that registers, so that
 * of two hosts that use one token at the same time the second is refused.
 * @throws ProtocolError token_bound
 */
export async function bindToken(
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
  if (numUpdatedRows === 0n) throw tokenBound(null, name);
}

/** @param to the workspace that the token is for; null: some other workspace than `name` */
export function tokenBound(to: Name | null, name: Name): ProtocolError {
  const only = to === null ? "a different workspace" : `the workspace ${to} only`;
  return new ProtocolError(
    "token_bound",
    `This access token is for ${only}. Make one for ${name}: sallyport token create --title ${name} --scope host --workspace ${name}`,
    { field: "name" },
  );
}
