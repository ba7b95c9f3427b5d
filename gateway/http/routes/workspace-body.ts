// A workspace as the API and the event stream show it to an account.

import type { Workspace } from "../../../protocol/api.ts";
import { CLOCK_OFF_MS } from "../../../protocol/clock.ts";
import type { AccountId } from "../../../protocol/values/id.ts";
import type { OnlineState, Presence } from "../../presence.ts";
import type { OwnedWorkspace } from "../../store/workspaces.ts";

export function workspaceBody(
  workspace: OwnedWorkspace,
  accountId: AccountId,
  presence: Presence,
): Workspace {
  const mine = workspace.owner.id === accountId;
  const held = workspace.heldHostKeys.filter(({ declined }) => !declined);
  const online = presence.online(workspace.id);
  return {
    id: workspace.id,
    name: workspace.name,
    owner: workspace.owner.name,
    mine,
    online: online !== undefined,
    clients: online?.clients ?? 0,
    ...clockOf(online),
    endToEndOnly: workspace.endToEndOnly,
    hostKeys: [...workspace.hostKeys],
    ...(mine && held.length > 0 ? { heldHostKeys: held.map(({ declined: _, ...key }) => key) } : {}),
    ...(workspace.browserUrl === null ? {} : { browserUrl: workspace.browserUrl }),
    ...(workspace.folder === null ? {} : { folder: workspace.folder }),
    ...(workspace.frozen ? { frozen: true } : {}),
    createdAt: workspace.createdAt.toISOString(),
    lastSeenAt: workspace.lastSeenAt?.toISOString() ?? null,
  };
}

function clockOf(online: OnlineState | undefined): Pick<Workspace, "clockAhead"> {
  const aheadMs = online?.clockAheadMs ?? 0;
  return Math.abs(aheadMs) < CLOCK_OFF_MS ? {} : { clockAhead: Math.round(aheadMs / 1000) };
}
