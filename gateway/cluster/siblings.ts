// What a process of a gateway has to do with the others of the same gateway: `--workers` makes several of them behind one
// address. A gateway of one process has no siblings, and nothing of this costs it anything.

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { PendingStreams } from "../link/pending-streams.ts";
import type { RouteStore } from "../link/route-store.ts";
import type { SessionsElsewhere } from "../upterm/sessions.ts";
import type { News } from "./news.ts";

export interface Siblings {
  /** This process among them, from 0 on. */
  readonly slot: number;
  /** How many processes there are, this one included. */
  readonly count: number;
  readonly routes: RouteStore;
  readonly sessions: SessionsElsewhere;
  /** Streams that this process waits for. */
  readonly pending: PendingStreams;
  readonly handover: Handover;
  tell(news: News): void;
  /** What the others tell, from the beginning of this process on; for one listener. */
  onNews(listener: (news: News) => void): void;
}

export interface Handover {
  /** Gives a request to the process that it is for, with its connection; false: it is for this one. */
  give(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** From now on `upgrades` gets the requests that other processes give. */
  listen(upgrades: Server): Promise<void>;
  close(): Promise<void>;
  /** The client's address of a request that another process has given to this one; undefined: it came by itself. */
  clientAddress(request: IncomingMessage): string | undefined;
}
