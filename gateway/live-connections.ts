// The streams to workspaces that are open now, in all processes of the gateway: who has them, and how to end one.

import type { ConnectionKind } from "../protocol/admin-api.ts";
import { assertNever } from "../protocol/assert-never.ts";
import type { ConnectionId } from "../protocol/values/id.ts";
import { MAX_CONNECTIONS, type SiblingAnswer, type SiblingQuestion } from "./cluster/sibling-question.ts";
import type { Siblings } from "./cluster/siblings.ts";
import type { OpenConnections, OpenStream, StreamsOf } from "./open-connections.ts";

const ENDED = "the connection was ended at the gateway";

export class LiveConnections {
  readonly #own: OpenConnections;
  readonly #siblings: Pick<Siblings, "questions"> | undefined;

  constructor(own: OpenConnections, siblings: Pick<Siblings, "questions"> | undefined) {
    this.#own = own;
    this.#siblings = siblings;
    siblings?.questions.onQuestion((question) => this.#answer(question));
  }

  /** Newest first; `more`: there are more than these. */
  async list(wanted: StreamsOf): Promise<{ connections: OpenStream[]; more: boolean }> {
    const answers = await this.#ask({ kind: "connections", ...wanted });
    const parts = answers.flatMap((answer) => (answer.kind === "connections" ? [answer] : []));
    const all = parts.flatMap(({ connections }) => connections).toSorted((a, b) => b.since - a.since);
    return {
      connections: all.slice(0, MAX_CONNECTIONS),
      more: all.length > MAX_CONNECTIONS || parts.some(({ more }) => more),
    };
  }

  /** Ends one of these streams. Returns how it was made; undefined: there is no such stream. */
  async end(wanted: StreamsOf, id: ConnectionId): Promise<ConnectionKind | undefined> {
    const answers = await this.#ask({ kind: "end-connection", ...wanted, id });
    for (const answer of answers) {
      if (answer.kind === "end-connection" && answer.ended !== null) return answer.ended;
    }
    return undefined;
  }

  async #ask(question: SiblingQuestion): Promise<readonly SiblingAnswer[]> {
    return [this.#answer(question), ...((await this.#siblings?.questions.ask(question)) ?? [])];
  }

  #answer(question: SiblingQuestion): SiblingAnswer {
    switch (question.kind) {
      case "connections":
        return { kind: "connections", ...this.#own.list(question, MAX_CONNECTIONS) };
      case "end-connection":
        return { kind: "end-connection", ended: this.#own.end(question, question.id, ENDED) ?? null };
      default:
        return assertNever(question);
    }
  }
}
