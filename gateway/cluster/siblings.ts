// How the processes of one gateway talk to each other: with `--workers`, several of them serve one address. A
// gateway of one process has no siblings.

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { RouteStore } from "../link/route-store.ts";
import type { PendingStreams } from "../link/streams/pending-streams.ts";
import type { SessionsElsewhere } from "../upterm/sessions.ts";
import type { News } from "./news.ts";
import type { SiblingAnswer, SiblingQuestion } from "./sibling-question.ts";

export interface Siblings {
  /** This process's number, from 0 on. */
  readonly slot: number;
  /** How many processes there are, this one included. */
  readonly count: number;
  readonly routes: RouteStore;
  readonly sessions: SessionsElsewhere;
  /** Streams that this process waits for. */
  readonly pending: PendingStreams;
  readonly handover: Handover;
  readonly questions: {
    /** Settles once all others have answered, or a short time has passed. */
    ask(question: SiblingQuestion): Promise<readonly SiblingAnswer[]>;
    /** Called with the questions of the others. */
    onQuestion(answerTo: (question: SiblingQuestion) => SiblingAnswer): void;
  };
  tell(news: News): void;
  /** Calls the one listener with all news of the others since this process began. */
  onNews(listener: (news: News) => void): void;
}

export interface Handover {
  /**
   * Gives a request and its connection to the process that should serve it. Returns false where that is this
   * one.
   */
  give(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Emits the requests that other processes give on `upgrades`, from now on. */
  listen(upgrades: Server): Promise<void>;
  close(): Promise<void>;
  /**
   * The client's address of a request that another process gave to this one; undefined: it came here
   * directly.
   */
  clientAddress(request: IncomingMessage): string | undefined;
}
