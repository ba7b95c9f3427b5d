// A process that a session runs: what it is started with, and what it looks like once it runs, whether on pipes
// (pipe-process.ts) or on a PTY (pty-process.ts).

import type { Readable, Writable } from "node:stream";

/** Arguments and variables are texts of protocol/values/byte-text.ts: they need not be UTF-8. */
export interface ProcessSpec {
  readonly file: string;
  readonly argv0: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The soft limit of open files (RLIMIT_NOFILE); undefined: this process's own. */
  readonly openFiles: number | undefined;
}

export interface ProcessExit {
  readonly code: number;
  /** The signal that ended it; undefined: it exited. */
  readonly signal: NodeJS.Signals | undefined;
}

export interface SessionProcess {
  /** Also the id of its process group. */
  readonly pid: number;
  readonly input: Writable;
  readonly output: Readable;
  /** undefined with a PTY, which has one output. */
  readonly errors: Readable | undefined;
  /** Never rejects. */
  readonly exited: Promise<ProcessExit>;
  resize(columns: number, rows: number): void;
  /** Called when the client is gone: the output is no longer read, and a terminal hangs up. */
  hangUp(): void;
}
