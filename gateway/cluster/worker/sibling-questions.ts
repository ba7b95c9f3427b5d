// Asks all other workers something, and answers what they ask. The primary passes it on.

import type { Channel } from "../channel.ts";
import type { SiblingAnswer, SiblingQuestion } from "../sibling-question.ts";

/** A worker that does not answer in time, or ends meanwhile, is left out. */
const PATIENCE_MS = 2_000;

interface Asked {
  readonly answers: SiblingAnswer[];
  /** undefined: not known yet. */
  others: number | undefined;
  done(): void;
}

export class SiblingQuestions {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, Asked>();
  #last = 0;
  #answerTo: ((question: SiblingQuestion) => SiblingAnswer) | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.onMessage((message) => {
      switch (message.type) {
        case "question": {
          const answer = this.#answerTo?.(message.question);
          const { from: to, request } = message;
          if (answer !== undefined) channel.send({ type: "answer", to, request, answer });
          return;
        }
        case "asked": {
          const asked = this.#waiting.get(message.request);
          if (asked !== undefined) this.#came(asked, message.others, []);
          return;
        }
        case "answer": {
          const asked = this.#waiting.get(message.request);
          if (asked !== undefined) this.#came(asked, asked.others, [message.answer]);
          return;
        }
        default:
          return;
      }
    });
  }

  async ask(question: SiblingQuestion): Promise<readonly SiblingAnswer[]> {
    const request = ++this.#last;
    const answers: SiblingAnswer[] = [];
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(request);
        resolve();
      };
      const timer = setTimeout(done, PATIENCE_MS);
      this.#waiting.set(request, { answers, others: undefined, done });
      this.#channel.send({ type: "question", request, question });
    });
    return answers;
  }

  onQuestion(answerTo: (question: SiblingQuestion) => SiblingAnswer): void {
    this.#answerTo = answerTo;
  }

  #came(asked: Asked, others: number | undefined, answers: readonly SiblingAnswer[]): void {
    asked.others = others;
    asked.answers.push(...answers);
    if (others !== undefined && asked.answers.length >= others) asked.done();
  }
}
