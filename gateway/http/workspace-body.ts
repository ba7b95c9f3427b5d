// A workspace as the API and the event stream show it to one account.

import type { Workspace } from "../../protocol/api.ts";
import type { AccountId } from "../../protocol/id.ts";
import type { Presence } from "../presence.ts";
import type { OwnedWorkspace } from "../store/workspaces.ts";

export function workspaceBody(
  workspace: OwnedWorkspace,
  accountId: AccountId,
  presence: Presence,
): Workspace {
  const mine = workspace.owner.id === accountId;
  const held = workspace.heldHostKeys.filter(({ declined }) => !declined);
  const session = presence.session(workspace.id);
  return {
    id: workspace.id,
    name: workspace.name,
    owner: workspace.owner.name,
    mine,
    online: session !== undefined,
    clients: session?.clients ?? 0,
    endToEndOnly: workspace.endToEndOnly,
    hostKeys: [...workspace.hostKeys],
    ...(mine && held.length > 0 ? { heldHostKeys: held.map(({ declined: _, ...key }) => key) } : {}),
    ...(workspace.browserUrl === null ? {} : { browserUrl: workspace.browserUrl }),
    ...(workspace.folder === null ? {} : { folder: workspace.folder }),
    createdAt: workspace.createdAt.toISOString(),
    lastSeenAt: workspace.lastSeenAt?.toISOString() ?? null,
  };
}
