// Reading a command's arguments. What is wrong with them ends as a UsageError, whoever found it.

import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { UsageError } from "../../protocol/command/command.ts";
import { ProtocolError } from "../../protocol/errors.ts";

/** Options that every command which talks to a gateway takes. */
export const GATEWAY_OPTIONS = {
  gateway: { type: "string" },
  json: { type: "boolean" },
  verbose: { type: "boolean" },
} as const satisfies ParseArgsOptionsConfig;

/** @throws UsageError */
export function readArguments<T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new UsageError(cause.message.split(/\. To specify|\. Did you forget/)[0] ?? cause.message, {
      cause,
    });
  }
}

/** Runs a validator of protocol/ on something from the command line. */
export function argument<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ProtocolError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/**
 * The positional arguments, as many as a command takes.
 * @throws UsageError naming the first that is missing, or the first that is too much
 */
export function positionals<const N extends readonly string[]>(
  given: readonly string[],
  ...names: N
): { [K in keyof N]: string } {
  const missing = names[given.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing.`);
  const extra = given[names.length];
  if (extra !== undefined) throw new UsageError(`There is an argument too many: ${JSON.stringify(extra)}.`);
  return given as unknown as { [K in keyof N]: string };
}
