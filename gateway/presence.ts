// Which workspaces are online on this gateway, as the API and the event stream see it. The link registry implements it.

import type { WorkspaceId } from "../protocol/values/id.ts";

export interface Session {
  readonly clients: number;
  readonly since: Date;
  /** How far the host's clock is ahead of the gateway's (ms); missing: not known. */
  readonly clockAhead?: number | undefined;
}

export interface Presence {
  /** undefined while the workspace is offline. */
  session(id: WorkspaceId): Session | undefined;
  /** Called when a workspace comes online, goes offline, or its number of clients changes. Returns the way out. */
  onChange(listener: (id: WorkspaceId) => void): () => void;
}
