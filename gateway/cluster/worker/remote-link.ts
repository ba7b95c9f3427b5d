// A link that another worker holds. The host is asked through that worker and dials back to this one, so a
// stream's bytes pass one worker only. An upterm host cannot dial back: its worker brings the stream.

import { type ErrorCode, ProtocolError } from "../../../protocol/errors.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import type { Link, LinkStream, StreamRequest, WorkspaceLink } from "../../link/link.ts";
import type { PendingStreams } from "../../link/streams/pending-streams.ts";
import { MAX_STREAMS_PER_WORKSPACE, StreamSlots } from "../../link/streams/stream-slots.ts";
import type { LinkWish, RouteRecord } from "../messages.ts";

export interface RemoteLinkOptions {
  readonly pending: PendingStreams;
  readonly wish: (wish: LinkWish) => void;
  readonly probe: (ms: number) => Promise<boolean>;
  /** Streams by this link in all workers. */
  readonly streams: () => number;
  /** How many of them this worker has. */
  readonly onStreams: (count: number) => void;
}

export class RemoteLink implements Link {
  readonly claim: string;
  readonly since: Date;
  readonly address: string;
  readonly hostKeys: readonly string[];
  readonly credential: Link["credential"];
  readonly clockAheadMs: number | undefined;
  readonly #options: RemoteLinkOptions;
  readonly #slots: StreamSlots;
  #isGone = false;

  constructor(route: RouteRecord, options: RemoteLinkOptions) {
    this.claim = route.claim;
    this.since = new Date(route.since);
    this.address = route.address;
    this.hostKeys = route.hostKeys;
    this.credential = route.credential;
    this.clockAheadMs = route.clockAhead;
    this.#options = options;
    this.#slots = new StreamSlots({
      limit: MAX_STREAMS_PER_WORKSPACE,
      elsewhere: () => Math.max(0, this.streams - this.#slots.taken),
      onChange: (count) => {
        if (!this.#isGone) options.onStreams(count);
      },
    });
  }

  get streams(): number {
    return this.#options.streams();
  }

  async openStream(request: StreamRequest): Promise<LinkStream> {
    const { pending, wish } = this.#options;
    if (this.#isGone) throw new ProtocolError("workspace_offline", "The workspace went offline just now.");
    return await this.#slots.open(request, () => {
      const { token, socket } = pending.create(this);
      const { via, client, resume } = request;
      wish({ kind: "stream", token, via, client, resume });
      return socket;
    });
  }

  probe(ms: number): Promise<boolean> {
    return this.#isGone ? Promise.resolve(false) : this.#options.probe(ms);
  }

  close(code: ErrorCode, message: string): void {
    this.#options.wish({ kind: "close", code, message });
  }

  /** The other worker does not hold it any more. Open streams go on. */
  gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#options.pending.abandon(this);
  }
}

export class RemoteWorkspaceLink extends RemoteLink implements WorkspaceLink {
  readonly workspaceId: WorkspaceId;

  constructor(workspaceId: WorkspaceId, route: RouteRecord, options: RemoteLinkOptions) {
    super(route, options);
    this.workspaceId = workspaceId;
  }
}
