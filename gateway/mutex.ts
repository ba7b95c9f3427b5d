// Tasks of one name, one after the other.

export interface TurnTaker {
  /** Runs `task` once those of the same name that came before are over, however they ended. */
  take<T>(name: string, task: () => Promise<T>): Promise<T>;
}

export class Turns implements TurnTaker {
  readonly #last = new Map<string, Promise<unknown>>();

  async take<T>(name: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const mine = (async () => {
      // The task before reports its own failure; here it only has to be over.
      await before?.catch(() => undefined);
      return await task();
    })();
    this.#last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}
