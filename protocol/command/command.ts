// What a `sallyport` command is: the shape that agent/cli/commands.ts lists and agent/cli.ts runs. The gateway has one, too.

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
