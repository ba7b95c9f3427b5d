// Which workspaces are online on this gateway, as the API and the event stream see it. The link registry implements it.

import type { WorkspaceId } from "../protocol/id.ts";

export interface Presence {
  /** undefined while the workspace is offline. */
  session(id: WorkspaceId): { readonly clients: number; readonly since: Date } | undefined;
  /** Called when a workspace comes online, goes offline, or its number of clients changes. Returns the way out. */
  onChange(listener: (id: WorkspaceId) => void): () => void;
}
