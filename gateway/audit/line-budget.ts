// How many lines of one kind the audit log accepts per minute. Anybody can be refused, connect, or register a
// workspace without an account as often as they like; without a bound, such lines would fill the disk and
// push out the lines that matter.

import { isFair } from "../../protocol/flow/fair-slots.ts";

const WINDOW_MS = 60_000;

interface LineBudgetOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Per minute, in all. */
  readonly lines: number;
  /** Per minute, for one account or address; fewer when little is left. */
  readonly perHolder: number;
  /**
   * Called at the end of a minute in which lines were omitted. `most` is the holder that caused most of them.
   */
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

  /** Whether one more line about this account or address may be written. */
  take(holder: string): boolean {
    const { now, lines, perHolder } = this.#options;
    if (now() - this.#since >= WINDOW_MS) this.report();
    const held = this.#taken.get(holder) ?? 0;
    if (held >= perHolder || !isFair(held, lines - this.#total)) {
      // Beyond this many holders it is enough to know that there are many.
      const counted = this.#omitted.has(holder) || this.#omitted.size < lines ? holder : OTHERS;
      this.#omitted.set(counted, (this.#omitted.get(counted) ?? 0) + 1);
      this.#timer ??= setTimeout(() => this.report(), WINDOW_MS).unref();
      return false;
    }
    this.#total++;
    this.#taken.set(holder, held + 1);
    return true;
  }

  /** Reports what was omitted, and starts a new minute. */
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
