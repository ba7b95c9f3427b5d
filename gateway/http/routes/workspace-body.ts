// A workspace as the API and the event stream show it to one account.

import type { Workspace } from "../../../protocol/api.ts";
import { CLOCK_OFF_MS } from "../../../protocol/clock.ts";
import type { AccountId } from "../../../protocol/values/id.ts";
import type { Presence, Session } from "../../presence.ts";
import type { OwnedWorkspace } from "../../store/workspaces.ts";

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
    ...clockOf(session),
    endToEndOnly: workspace.endToEndOnly,
    hostKeys: [...workspace.hostKeys],
    ...(mine && held.length > 0 ? { heldHostKeys: held.map(({ declined: _, ...key }) => key) } : {}),
    ...(workspace.browserUrl === null ? {} : { browserUrl: workspace.browserUrl }),
    ...(workspace.folder === null ? {} : { folder: workspace.folder }),
    createdAt: workspace.createdAt.toISOString(),
    lastSeenAt: workspace.lastSeenAt?.toISOString() ?? null,
  };
}

function clockOf(session: Session | undefined): Pick<Workspace, "clockAhead"> {
  const ahead = session?.clockAhead ?? 0;
  return Math.abs(ahead) < CLOCK_OFF_MS ? {} : { clockAhead: Math.round(ahead / 1000) };
}
