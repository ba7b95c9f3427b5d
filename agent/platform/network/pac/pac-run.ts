// The messages between this process and the thread that runs a proxy script, and the bounds of a run.

export const PAC_BOUNDS = {
  /** The default time limit of one run. */
  milliseconds: 1_000,
  memory: 32 * 1024 * 1024,
  stack: 256 * 1024,
  /** Names that a script may ask for. */
  lookups: 16,
  /** Characters that are kept of what it returns. */
  answer: 4 * 1024,
} as const;

export interface PacQuestion {
  readonly script: string;
  readonly url: string;
  readonly host: string;
  /** The addresses that have been looked up; null: the name has none. */
  readonly names: ReadonlyMap<string, string | null>;
  readonly address: string;
  /** How long the run may take, not counting the time to load QuickJS. */
  readonly milliseconds: number;
}

export interface PacRun {
  readonly answer: string | undefined;
  /** Names to look up before the next run; while there are any, `answer` does not count. */
  readonly wanted: readonly string[];
  readonly error: string | undefined;
}
