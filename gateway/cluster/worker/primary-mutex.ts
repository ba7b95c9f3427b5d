// The mutex for registrations as one worker uses it: the primary decides whose task may run.

import type { KeyedMutex } from "../../keyed-mutex.ts";
import type { Channel } from "../channel.ts";
import { Questions } from "../questions.ts";

const MAX_KEY_LENGTH = 200;

export class PrimaryMutex implements KeyedMutex {
  readonly #channel: Channel;
  readonly #questions = new Questions<undefined>();

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.onMessage((message) => {
      if (message.type === "turn") this.#questions.answer(message.request, undefined);
    });
  }

  async runExclusive<T>(key: string, task: () => Promise<T>): Promise<T> {
    let taken = 0;
    await this.#questions.ask((request) => {
      taken = request;
      this.#channel.send({ type: "turn", request, name: key.slice(0, MAX_KEY_LENGTH) });
    });
    try {
      return await task();
    } finally {
      this.#channel.send({ type: "turn-over", request: taken });
    }
  }
}
