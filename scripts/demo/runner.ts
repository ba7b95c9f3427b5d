// Runs checks one after the other, each within its time limit, and tells how they went: to a person as they run, or
// as one JSON object at the end.

import { tail } from "../../test/support/programs/shell-command.ts";
import type { Bench, Check } from "./checks.ts";

/** Ends what hangs, and not what a slow machine takes its time for. */
const CHECK_TIMEOUT_MS = 5 * 60_000;

export interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
}

export interface Report {
  readonly checks: readonly Outcome[];
  readonly passed: number;
  readonly failed: number;
}

/** Where the lines go; colour only where a person looks at it. */
export interface Screen {
  write(text: string): void;
  readonly colour: boolean;
}

export class Runner {
  readonly #outcomes: Outcome[] = [];
  readonly #screen: Screen;
  readonly #signal: AbortSignal;

  /** `signal` ends everything: Ctrl-C, or the time limit of the whole run. */
  constructor(screen: Screen, signal: AbortSignal) {
    this.#screen = screen;
    this.#signal = signal;
  }

  show(line: string): void {
    this.#screen.write(`${this.#paint(2, `$ ${line}`)}\n`);
  }

  /** Runs one step of work as a check of that name; returns what it gave, or undefined if it failed. */
  async run<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const start = performance.now();
    const limit = AbortSignal.timeout(CHECK_TIMEOUT_MS);
    const signal = AbortSignal.any([limit, this.#signal]);
    try {
      const result = await work(signal);
      this.#add(name, true, start);
      return result;
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason;
      this.#add(name, false, start);
      const message = error instanceof Error ? error.message : String(error);
      const late = limit.aborted ? `not done within ${CHECK_TIMEOUT_MS / 1000} s\n` : "";
      this.#screen.write(`${tail(`${late}${message}`, 20).replace(/^/gm, "    ")}\n`);
      return undefined;
    }
  }

  async runAll(checks: readonly Check[], bench: Omit<Bench, "signal" | "show">): Promise<void> {
    const show = (line: string) => this.show(line);
    for (const check of checks) {
      this.#signal.throwIfAborted();
      await this.run(check.name, (signal) => check.run({ ...bench, show, signal }));
    }
  }

  report(): Report {
    const failed = this.#outcomes.filter(({ ok }) => !ok).length;
    return { checks: this.#outcomes, passed: this.#outcomes.length - failed, failed };
  }

  #add(name: string, ok: boolean, start: number): void {
    const ms = Math.round(performance.now() - start);
    this.#outcomes.push({ name, ok, ms });
    const mark = ok ? this.#paint(32, "✓") : this.#paint(31, "✗");
    this.#screen.write(`${mark} ${name} ${this.#paint(2, `(${ms} ms)`)}\n`);
  }

  #paint(code: number, text: string): string {
    return this.#screen.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}
