// What a session runs, whichever way its input and output are made: pipes (pipe-process.ts) or a PTY (pty-process.ts).

import type { Readable, Writable } from "node:stream";

/** Arguments and variables are texts of protocol/values/byte-text.ts: they need not be UTF-8. */
export interface ProcessSpec {
  readonly file: string;
  readonly argv0: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The soft limit of open files (RLIMIT_NOFILE); undefined: as this process has it. */
  readonly openFiles: number | undefined;
}

export interface ProcessExit {
  readonly code: number;
  /** Set where a signal ended it. */
  readonly signal: NodeJS.Signals | undefined;
}

export interface SessionProcess {
  /** Also the number of its process group. */
  readonly pid: number;
  readonly input: Writable;
  readonly output: Readable;
  /** undefined with a PTY, which has one output. */
  readonly errors: Readable | undefined;
  /** Never rejects. */
  readonly exited: Promise<ProcessExit>;
  resize(columns: number, rows: number): void;
  /** The client is gone: nobody reads the output any more, and a terminal hangs up. */
  hangUp(): void;
}
