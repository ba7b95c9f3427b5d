// What a `sallyport` command is: the one shape that agent/commands.ts lists and agent/cli.ts runs.

import type { Readable, Writable } from "node:stream";

/** Everything that a command takes from its process, so that tests can give it something else. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP: end cleanly. */
  readonly signal: AbortSignal;
}

export interface Command {
  /** Shown by `--help`: usage line, options, and an example. */
  readonly help: string;
  /** SIGHUP means something else to this command than an end, and it listens for it by itself. */
  readonly handlesSighup?: boolean;
  /**
   * Returns the exit code: 0 done, 1 failed.
   * @throws UsageError (exit 2), CommandError (exit 1); anything else is a bug and shown as one
   */
  run(args: readonly string[], context: CommandContext): Promise<number>;
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Where on the way a command failed. */
export type Stage =
  | "config"
  | "dns"
  | "tcp"
  | "proxy"
  | "tls"
  | "http"
  | "sign-in"
  | "workspace"
  | "tunnel"
  | "ssh"
  | "keychain"
  | "file";

/** A failure that is shown as one line, `sallyport: <stage>: <message>`: what is wrong and what to do. Exit code 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly stage: Stage;
  /** A protocol error code, or one of the system's (ECONNREFUSED). */
  readonly code: string;

  constructor(stage: Stage, code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.stage = stage;
    this.code = code;
  }
}
