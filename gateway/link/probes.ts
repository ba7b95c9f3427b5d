// Asks a host whether it still answers.

export class Probes {
  readonly #waiting = new Set<() => void>();

  /**
   * Whether the host answers within `ms`.
   * @param ask sends the host something that it answers
   */
  probe(ms: number, ask: () => void): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (alive: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(answered);
        resolve(alive);
      };
      const answered = (): void => done(true);
      const timer = setTimeout(() => done(false), ms);
      this.#waiting.add(answered);
      ask();
    });
  }

  /** The host has answered. */
  answered(): void {
    for (const answered of [...this.#waiting]) answered();
  }
}
