// Mutual exclusion per key: tasks that have the same key run one after the other.

export interface KeyedMutex {
  /** Runs `task` once all earlier tasks with this key are over, whether they succeeded or failed. */
  runExclusive<T>(key: string, task: () => Promise<T>): Promise<T>;
}

/** Holds within this process. */
export class LocalKeyedMutex implements KeyedMutex {
  readonly #last = new Map<string, Promise<unknown>>();

  async runExclusive<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = (async () => {
      // The task before reports its own failure; here it only has to be over.
      await before?.catch(() => undefined);
      return await task();
    })();
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
