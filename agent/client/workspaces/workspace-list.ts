// The order of workspaces in lists, their key in stored state, and the labels of workspaces and gateways. Pure.

import type { Workspace } from "../../../protocol/api.ts";
import { type GatewayUrl, gatewayHost } from "../../../protocol/values/gateway-url.ts";

export interface ListedWorkspace {
  readonly gateway: GatewayUrl;
  readonly workspace: Workspace;
}

/** When this person last connected, in ms since 1970, by `workspaceKey`. */
export type LastUse = ReadonlyMap<string, number>;

/** Identifies one workspace of one gateway; stable through renames. */
export function workspaceKey(gateway: GatewayUrl, id: string): string {
  return `${gateway} ${id}`;
}

/** Its name as commands take it: with the owner's name for a workspace of another account. */
export function workspaceLabel({ name, owner, mine }: Pick<Workspace, "name" | "owner" | "mine">): string {
  return mine ? name : `${name}.${owner}`;
}

/** Online workspaces first, then the most recently used, then by name. */
export function inOrder(workspaces: readonly ListedWorkspace[], lastUse: LastUse): ListedWorkspace[] {
  const used = ({ gateway, workspace }: ListedWorkspace) =>
    lastUse.get(workspaceKey(gateway, workspace.id)) ?? 0;
  return workspaces.toSorted(
    (a, b) =>
      Number(b.workspace.online) - Number(a.workspace.online) ||
      used(b) - used(a) ||
      compare(workspaceLabel(a.workspace), workspaceLabel(b.workspace)) ||
      compare(a.gateway, b.gateway) ||
      compare(a.workspace.id, b.workspace.id),
  );
}

/**
 * The gateway's host, with the port and the path where the URL has them, so that two gateways on one host look
 * different.
 */
export function gatewayLabel(gateway: GatewayUrl): string {
  const { port, pathname } = new URL(gateway);
  return `${gatewayHost(gateway)}${port === "" ? "" : `:${port}`}${pathname === "/" ? "" : pathname}`;
}

/** By code unit: faster for a thousand names than a collation, and names are a-z, 0-9 and hyphens anyway. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
