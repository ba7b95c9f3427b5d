// What a `sallyport` command is: the shape that agent/cli/commands.ts lists and agent/cli.ts runs. The gateway has one, too.

import type { Readable, Writable } from "node:stream";
import type { CommandDefinition } from "./definition.ts";

/** Everything that a command takes from its process, so that tests can give it something else. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP: end cleanly. */
  readonly signal: AbortSignal;
  /** The person's configuration file; absent: there is none. Reading it may throw a ConfigFileError. */
  readonly config?: ConfigFile | undefined;
}

/** What the configuration file says, checked as far as one can without a command's definition. */
export interface ConfigFile {
  readonly path: string;
  /** Options of every command that has them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Options of single commands, by their whole names (`token create`). */
  readonly commands: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Command {
  readonly definition: CommandDefinition;
  /**
   * Returns the exit code: 0 done, 1 failed.
   * @throws UsageError (exit 2), CommandError or ConfigFileError (exit 1); anything else is a bug and shown as one
   */
  run(args: readonly string[], context: CommandContext): Promise<number>;
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
  /** The whole name of the command whose help to look at (`token create`); absent: the one that was called. */
  command?: string;
}

/** A word that is not known where it stands. `known` is what could have been meant. */
export class UnknownWordError extends UsageError {
  readonly word: string;
  readonly known: readonly string[];

  constructor(message: string, word: string, known: readonly string[]) {
    super(message);
    this.word = word;
    this.known = known;
  }
}

/** The configuration file is wrong: exit code 1. The message names the file and the key. */
export class ConfigFileError extends Error {
  override readonly name = "ConfigFileError";
}
