// How many lines about refused strangers the audit log takes. Anybody can be refused as often as they like; without a
// bound they would fill the disk with it and push out the lines that matter.

import { addressBlock } from "../protocol/address-block.ts";
import { shareOf } from "./siblings.ts";

const WINDOW_MS = 60_000;
const MAX_LINES = 600;
const MAX_LINES_PER_BLOCK = 60;

export interface RefusalBudgetOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How many processes share the bounds. */
  readonly processes?: number;
  /** Called at the end of a minute in which lines were left out. */
  readonly onOmitted: (count: number) => void;
}

export class RefusalBudget {
  readonly #options: RefusalBudgetOptions;
  readonly #limits: { readonly lines: number; readonly perBlock: number };
  readonly #byBlock = new Map<string, number>();
  #since = Number.NEGATIVE_INFINITY;
  #taken = 0;
  #omitted = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RefusalBudgetOptions) {
    this.#options = options;
    const { processes = 1 } = options;
    this.#limits = {
      lines: shareOf(MAX_LINES, processes),
      perBlock: shareOf(MAX_LINES_PER_BLOCK, processes),
    };
  }

  /** Whether one more line about this address is worth writing. */
  take(address: string): boolean {
    if (this.#options.now() - this.#since >= WINDOW_MS) this.report();
    const block = addressBlock(address);
    const held = this.#byBlock.get(block) ?? 0;
    if (this.#taken >= this.#limits.lines || held >= this.#limits.perBlock) {
      this.#omitted++;
      this.#timer ??= setTimeout(() => this.report(), WINDOW_MS).unref();
      return false;
    }
    this.#taken++;
    this.#byBlock.set(block, held + 1);
    return true;
  }

  /** Says what was left out so far, and starts anew. */
  report(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const omitted = this.#omitted;
    this.#since = this.#options.now();
    this.#taken = this.#omitted = 0;
    this.#byBlock.clear();
    if (omitted > 0) this.#options.onOmitted(omitted);
  }
}
