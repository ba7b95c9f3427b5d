// How many lines of one kind the audit log takes in a minute. Anybody can be refused, register openly or connect as often as they
// like; without a bound they would fill the disk with it and push out the lines that matter.

import { isFair } from "../../protocol/fair-slots.ts";

const WINDOW_MS = 60_000;

export interface LineBudgetOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Of all, in a minute. */
  readonly lines: number;
  /** Of one account or address, in a minute; less where less is left. */
  readonly perHolder: number;
  /** Called at the end of a minute in which lines were left out; `most`: of whom most were. */
  readonly onOmitted: (count: number, most: string) => void;
}

export class LineBudget {
  readonly #options: LineBudgetOptions;
  readonly #taken = new Map<string, number>();
  readonly #omitted = new Map<string, number>();
  #since = Number.NEGATIVE_INFINITY;
  #total = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LineBudgetOptions) {
    this.#options = options;
  }

  /** Whether one more line about this account or address is worth writing. */
  take(holder: string): boolean {
    const { now, lines, perHolder } = this.#options;
    if (now() - this.#since >= WINDOW_MS) this.report();
    const held = this.#taken.get(holder) ?? 0;
    if (held >= perHolder || !isFair(held, lines - this.#total)) {
      // Of more holders than this it is enough to know that there are many.
      const counted = this.#omitted.has(holder) || this.#omitted.size < lines ? holder : OTHERS;
      this.#omitted.set(counted, (this.#omitted.get(counted) ?? 0) + 1);
      this.#timer ??= setTimeout(() => this.report(), WINDOW_MS).unref();
      return false;
    }
    this.#total++;
    this.#taken.set(holder, held + 1);
    return true;
  }

  /** Says what was left out so far, and starts again. */
  report(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const omitted = [...this.#omitted].sort(([, one], [, other]) => other - one);
    this.#since = this.#options.now();
    this.#total = 0;
    this.#taken.clear();
    this.#omitted.clear();
    const count = omitted.reduce((sum, [, each]) => sum + each, 0);
    const [most] = omitted;
    if (most !== undefined) this.#options.onOmitted(count, most[0]);
  }
}

const OTHERS = "many others";
