// Questions to another process: each has a number, by which its answer finds the promise that waits for it.

export class Questions<T> {
  readonly #waiting = new Map<number, (answer: T) => void>();
  #last = 0;

  /**
   * @param send sends the question, under this number
   * @param late the answer to assume where none comes within `ms`; undefined: it waits for ever
   */
  ask(send: (request: number) => void, late?: { readonly ms: number; readonly answer: T }): Promise<T> {
    const request = ++this.#last;
    return new Promise((resolve) => {
      const timer =
        late === undefined ? undefined : setTimeout(() => this.answer(request, late.answer), late.ms);
      this.#waiting.set(request, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      send(request);
    });
  }

  answer(request: number, answer: T): void {
    const resolve = this.#waiting.get(request);
    this.#waiting.delete(request);
    resolve?.(answer);
  }
}
