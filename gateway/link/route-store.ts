// Where the links are that this process does not hold itself. A gateway of one process has none elsewhere; the workers
// of a larger one ask the primary (gateway/cluster/worker/worker-routes.ts).

import type { WorkspaceId } from "../../protocol/values/id.ts";
import { Turns, type TurnTaker } from "../mutex.ts";
import { type Lender, LentKeys } from "./lent-keys.ts";
import type { LinkEnd, WorkspaceLink } from "./link.ts";

export interface RouteStore {
  /** The link of a workspace whose host is connected to another process; undefined: none is, as far as is known here. */
  elsewhere(id: WorkspaceId): WorkspaceLink | undefined;
  all(): Iterable<WorkspaceLink>;
  /** Settles once all that was claimed before, wherever, is known here. */
  caughtUp(): Promise<void>;
  /** From now on this process holds the workspace's link. Whoever held it elsewhere is fenced. */
  claim(link: WorkspaceLink): void;
  release(link: WorkspaceLink, how: LinkEnd): void;
  /** The number of the streams that this process has open by its own link to a workspace is another. */
  streamsChanged(link: WorkspaceLink): void;
  /** Streams that other processes have open by a link of this one. */
  streamsElsewhere(link: WorkspaceLink): number;
  /**
   * Tells one subscriber, the registry, where a workspace's state or number of clients elsewhere is another; `how` where its
   * link has ended, in whichever process.
   */
  follow(follower: (id: WorkspaceId, how?: LinkEnd) => void): void;
  /** Registrations of one workspace are decided one after the other, whichever process they came to. */
  readonly turns: TurnTaker;
  /** Keys that are lent to workspaces, by whichever process: whichever holds the link tells the host. */
  readonly loans: Lender;
}

/** What a host is told in whose place another one is now, wherever that is connected. */
export const FENCED = "Another host registered with the same identity and took over.";

/** Of a gateway that is one process: there is no elsewhere. */
export function noRoutesElsewhere(): RouteStore {
  return {
    elsewhere: () => undefined,
    all: () => [],
    caughtUp: () => Promise.resolve(),
    claim: () => undefined,
    release: () => undefined,
    streamsChanged: () => undefined,
    streamsElsewhere: () => 0,
    follow: () => undefined,
    turns: new Turns(),
    loans: new LentKeys(),
  };
}
