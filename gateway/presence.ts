// Which workspaces are online at this gateway, as the API and the event streams see it. LinkRegistry
// implements it.

import type { WorkspaceId } from "../protocol/values/id.ts";

/** A workspace that is online. */
export interface OnlineState {
  readonly clients: number;
  readonly since: Date;
  /** How far the host's clock is ahead of the gateway's; undefined: not known. */
  readonly clockAheadMs?: number | undefined;
}

export interface Presence {
  /** undefined: the workspace is offline. */
  online(id: WorkspaceId): OnlineState | undefined;
  /**
   * Calls `listener` when a workspace comes online, goes offline, or its number of clients changes. Returns a
   * function that ends the subscription.
   */
  onChange(listener: (id: WorkspaceId) => void): () => void;
}
