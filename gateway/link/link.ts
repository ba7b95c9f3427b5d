// A link: one host's live connection to this gateway. Tunnels and the SSH port ask a link for byte streams to
// the host's SSH server, and do not know how it makes them.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { AccountId, TokenId, WorkspaceId } from "../../protocol/values/id.ts";

export interface StreamRequest {
  readonly via: "tunnel" | "jump" | "session";
  /** Told to the host, for its log and for SSH_CONNECTION. */
  readonly client: { readonly address: string; readonly account: string | null };
  /** The client speaks the resume subprotocol. Whether the host does too, the WebSocket's `protocol` says. */
  readonly resume: boolean;
}

/** Native links give WebSockets, which are spliced message by message; other links give byte streams. */
export type LinkStream =
  | { readonly kind: "web-socket"; readonly socket: WebSocket }
  | { readonly kind: "duplex"; readonly stream: Duplex };

/** How a link ended: its host left in good order or was sent away, or its connection was lost. */
export type LinkEnd = "left" | "cut";

export interface Link {
  readonly since: Date;
  readonly address: string;
  /** authorized_keys form; what clients pin. */
  readonly hostKeys: readonly string[];
  /** What the host registered with; null: without an account, or an upterm host. */
  readonly credential: { readonly accountId: AccountId; readonly tokenId: TokenId } | null;
  readonly streams: number;
  /** How far the host's clock was ahead of this gateway's when it registered; undefined: not known. */
  readonly clockAheadMs?: number | undefined;
  /**
   * @throws ProtocolError workspace_timeout, stream_refused, gateway_full, or workspace_offline where the
   *   link has ended
   */
  openStream(request: StreamRequest): Promise<LinkStream>;
  /** Whether the host answers within `ms`. */
  probe(ms: number): Promise<boolean>;
  /**
   * Tells the host why and ends the link. Open streams go on: `OpenConnections` ends those that are no longer
   * allowed.
   */
  close(code: ErrorCode, message: string): void;
}

/**
 * The link of a workspace that the directory knows. An upterm session has no workspace there: it ends with
 * its link.
 */
export interface WorkspaceLink extends Link {
  readonly workspaceId: WorkspaceId;
  /** Tells the host which keys are lent to the workspace now. Missing: another process tells it. */
  keysLent?(): void;
}
