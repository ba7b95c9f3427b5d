// What the thread that runs a proxy script is asked and answers, and its bounds.

export const PAC_BOUNDS = {
  /** One run, unless it is asked for with another bound. */
  milliseconds: 1_000,
  memory: 32 * 1024 * 1024,
  stack: 256 * 1024,
  /** Names that a script may ask for. */
  lookups: 16,
  /** Of what it returns. */
  answer: 4 * 1024,
} as const;

export interface PacQuestion {
  readonly script: string;
  readonly url: string;
  readonly host: string;
  /** Addresses that have been looked up; null: there is none. */
  readonly names: ReadonlyMap<string, string | null>;
  readonly address: string;
  /** How long the run may take; loading what it runs in is not part of it. */
  readonly milliseconds: number;
}

export interface PacRun {
  readonly answer: string | undefined;
  /** Names to look up before the next run; an answer that was given without them counts for nothing. */
  readonly wanted: readonly string[];
  readonly error: string | undefined;
}
