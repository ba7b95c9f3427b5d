// A link: one host's live connection to this gateway. Whatever brings people in (a tunnel, the SSH port) asks a
// link for byte streams to the host's SSH server and does not know how they come about.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { StreamVia } from "../../protocol/control.ts";
import type { ErrorCode } from "../../protocol/errors.ts";
import type { AccountId, TokenId, WorkspaceId } from "../../protocol/values/id.ts";

export interface StreamRequest {
  readonly via: StreamVia;
  /** Shown to the host, for its log and for SSH_CONNECTION. */
  readonly client: { readonly address: string; readonly account: string | null };
  /** Whoever asks speaks the resume subprotocol; whether the host does, the WebSocket's `protocol` says. */
  readonly resume: boolean;
}

/** A native link gives WebSockets, which are spliced message by message; others give byte streams. */
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
  /** By what the host registered; null for an open registration, and for upterm's. */
  readonly credential: { readonly accountId: AccountId; readonly tokenId: TokenId } | null;
  readonly streams: number;
  /** How far the host's clock was ahead of this gateway's when it registered (ms); missing: not known. */
  readonly clockAhead?: number | undefined;
  /**
   * @throws ProtocolError workspace_timeout, stream_refused, workspace_offline (the link ended meanwhile)
   */
  openStream(request: StreamRequest): Promise<LinkStream>;
  /** Whether the host still answers, within `ms`. */
  probe(ms: number): Promise<boolean>;
  /** Tells the host why and ends the link. Streams that are open go on: `OpenConnections` ends them where their leave is gone. */
  close(code: ErrorCode, message: string): void;
}

/** The link of a workspace that the directory knows. An upterm session has none: it lives as long as its link. */
export interface WorkspaceLink extends Link {
  readonly workspaceId: WorkspaceId;
  /** Other keys are lent to the workspace than before: tells the host. Missing where another process does. */
  keysLent?(): void;
}
