// Workspaces as a gateway lists them.

import type { Workspace } from "../../../../../protocol/api.ts";
import { newWorkspaceId } from "../../../../../protocol/values/id.ts";

export function workspace(name: string, over: Partial<Workspace> = {}): Workspace {
  return {
    id: newWorkspaceId(),
    name,
    owner: "ana",
    mine: true,
    online: true,
    clients: 0,
    endToEndOnly: false,
    hostKeys: [],
    createdAt: "2026-01-01T00:00:00.000Z",
    lastSeenAt: null,
    ...over,
  };
}
