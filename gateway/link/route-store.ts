// Where the links are that this process does not hold itself. A gateway of one process has no such links; in
// a gateway of several, each worker follows the primary's table (gateway/cluster/worker/worker-routes.ts).

import type { WorkspaceId } from "../../protocol/values/id.ts";
import { type KeyedMutex, LocalKeyedMutex } from "../keyed-mutex.ts";
import { type KeyLender, LentKeys } from "./lent-keys.ts";
import type { LinkEnd, WorkspaceLink } from "./link.ts";

export interface RouteStore {
  /**
   * The link of a workspace whose host is connected to another process; undefined: this process knows of
   * none.
   */
  elsewhere(id: WorkspaceId): WorkspaceLink | undefined;
  all(): Iterable<WorkspaceLink>;
  /** Settles once this process knows every claim that was made in any process before the call. */
  caughtUp(): Promise<void>;
  /** This process holds the workspace's link from now on. A link that another process holds is fenced. */
  claim(link: WorkspaceLink): void;
  release(link: WorkspaceLink, how: LinkEnd): void;
  /** The number of streams that this process has open by its own link to a workspace has changed. */
  streamsChanged(link: WorkspaceLink): void;
  /** How many streams other processes have open by a link of this process. */
  streamsElsewhere(link: WorkspaceLink): number;
  /**
   * Calls the one subscriber, the registry, when a workspace's state or number of clients has changed
   * elsewhere. `how` is given where the workspace's link has ended, in any process.
   */
  follow(follower: (id: WorkspaceId, how?: LinkEnd) => void): void;
  /** Registrations of one workspace are decided one after the other, across all processes. */
  readonly registrationMutex: KeyedMutex;
  /** Keys that any process lends to workspaces; the process that holds a workspace's link tells its host. */
  readonly lentKeys: KeyLender;
}

/** What a host is told when another one has taken over its workspace, in any process. */
export const FENCED = "Another host registered with the same identity and took over.";

/** For a gateway that is one process: nothing is elsewhere. */
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
    registrationMutex: new LocalKeyedMutex(),
    lentKeys: new LentKeys(),
  };
}
