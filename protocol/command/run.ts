// Combines a command's definition with its code into something that takes arguments and runs.

import { ProtocolError } from "../errors.ts";
import { firstOperand, type GivenArguments, type OptionTable, splitArguments } from "./arguments.ts";
import {
  type Command,
  type CommandContext,
  ConfigFileError,
  UnknownWordError,
  UsageError,
} from "./command.ts";
import type { CommandDefinition, OperandDefinition, OperandValues, OptionValues } from "./definition.ts";
import { exportedEnvironment, type Setting, type Settings, settingsOf } from "./settings.ts";

/** What a command gets: every value of the right type, whatever it comes from. */
export interface Input<D extends CommandDefinition> {
  readonly options: OptionValues<D>;
  readonly operands: OperandValues<D>;
  readonly settings: Settings;
  /** With what options say of it (`exported`). */
  readonly env: CommandContext["env"];
}

export type Run<D extends CommandDefinition> = (
  input: Input<D>,
  context: CommandContext,
) => Promise<number> | number;

/** A command without subcommands. */
export function executable<D extends CommandDefinition>(definition: D, run: Run<D>): Command {
  return {
    definition,
    run: (args, context) =>
      helped(definition, async () => {
        const input = readInput(definition, splitArguments(args, definition.options), context);
        return await run(input, input.env === context.env ? context : withEnvironment(context, input.env));
      }),
  };
}

/** A command with subcommands, which may stand before or behind options. `own` runs where none is named. */
export function commandGroup<D extends CommandDefinition & { subcommands: object }>(
  definition: D,
  subcommands: { readonly [K in keyof D["subcommands"]]: Command },
  own?: Run<D>,
): Command {
  const commands: ReadonlyMap<string, Command> = new Map(Object.entries<Command>(subcommands));
  const alone = own === undefined ? undefined : executable(definition, own);
  const names = [...commands.keys()];
  const table = allOptions(definition);
  return {
    definition,
    run: (args, context) =>
      helped(definition, async () => {
        const first = firstOperand(args, table);
        const command = first === undefined ? undefined : commands.get(first.word);
        if (first !== undefined && command !== undefined) {
          return await runSubcommand(command, args.toSpliced(first.index, 1), context, table);
        }
        if (alone !== undefined && (first === undefined || definition.operands !== undefined)) {
          return alone.run(args, context);
        }
        // What is wrong with the options is said first: the word may be the value of a mistyped one.
        splitArguments(args, table);
        if (first === undefined) {
          throw new UsageError(`${definition.name} needs a subcommand: ${names.join(", ")}.`);
        }
        const message = `${definition.name} has no subcommand ${JSON.stringify(first.word)}: there is ${names.join(", ")}.`;
        throw new UnknownWordError(message, first.word, names);
      }),
  };
}

async function runSubcommand(
  command: Command,
  args: readonly string[],
  context: CommandContext,
  familyOptions: OptionTable,
): Promise<number> {
  try {
    return await command.run(args, context);
  } catch (error) {
    const isSiblings =
      error instanceof UnknownWordError && Object.hasOwn(familyOptions, error.word.replace(/^--/, ""));
    if (!isSiblings) throw error;
    const { name } = command.definition;
    throw Object.assign(new UsageError(`${name} does not take ${error.word}.`), { command: name });
  }
}

/**
 * The values of what was given, of the environment and of the configuration file.
 * @throws UsageError, ConfigFileError
 */
export function readInput<D extends CommandDefinition>(
  definition: D,
  given: GivenArguments,
  context: Pick<CommandContext, "env" | "config">,
): Input<D> {
  const settings = settingsOf(definition, given.options, context);
  const options: Record<string, unknown> = {};
  for (const [name, { type, repeated }] of Object.entries(definition.options)) {
    const setting = settings.get(name);
    if (type === undefined) options[name] = setting?.texts[0] === "true";
    else {
      const values = (setting?.texts ?? []).map((text) =>
        checked(() => type.read(text, setting?.from ?? ""), setting),
      );
      options[name] = repeated === undefined ? values[0] : values;
    }
  }
  return {
    // The loop above makes for each option what OptionValues says of it; likewise for operands.
    options: options as OptionValues<D>,
    operands: readOperands(definition.operands ?? {}, given.operands, context) as OperandValues<D>,
    settings,
    env: exportedEnvironment(definition, settings, context.env),
  };
}

function readOperands(
  operands: Readonly<Record<string, OperandDefinition>>,
  given: readonly string[],
  context: Pick<CommandContext, "env" | "config">,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  let next = 0;
  for (const [name, { type, optional, repeated, variable, config: isConfigured }] of Object.entries(
    operands,
  )) {
    if (repeated) {
      values[name] = given.slice(next).map((text) => checked(() => type.read(text, type.hint)));
      next = given.length;
      continue;
    }
    const text = given[next++];
    const set = variable === undefined ? undefined : context.env[variable];
    const configured = isConfigured ? context.config?.options[name] : undefined;
    if (text !== undefined) values[name] = checked(() => type.read(text, type.hint));
    else if (set !== undefined && set !== "")
      values[name] = checked(() => type.read(set, variable ?? name), {
        source: "environment",
        from: variable ?? name,
      });
    else if (typeof configured === "string") {
      const from = `options.${name} in ${context.config?.path}`;
      values[name] = checked(() => type.read(configured, from), { source: "configuration file", from });
    } else if (optional) values[name] = undefined;
    else throw new UsageError(`${type.hint} is missing.`);
  }
  const extra = given[next];
  if (extra !== undefined) throw new UsageError(`Unexpected argument: ${JSON.stringify(extra)}.`);
  return values;
}

/** A validator of protocol/ complains about a value, and does not know where it comes from. */
function checked<T>(read: () => T, setting?: Pick<Setting, "source" | "from">): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof UsageError)) throw error;
    const named = setting === undefined || error.message.startsWith(setting.from);
    const message = named ? error.message : `${setting.from}: ${error.message}`;
    if (setting?.source === "configuration file") throw new ConfigFileError(message, { cause: error });
    throw new UsageError(message, { cause: error });
  }
}

/** Says of a usage error which command's help to look at. */
async function helped(definition: CommandDefinition, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UsageError) error.command ??= definition.name;
    throw error;
  }
}

/** The getters of the context stay getters: a companion dials before it touches its streams. */
export function withEnvironment(context: CommandContext, env: CommandContext["env"]): CommandContext {
  return {
    env,
    signal: context.signal,
    get stdin() {
      return context.stdin;
    },
    get stdout() {
      return context.stdout;
    },
    get stderr() {
      return context.stderr;
    },
    get config() {
      return context.config;
    },
  };
}

/** The options of a command and its subcommands, to find the first operand after options with values. */
function allOptions({ options, subcommands = {} }: CommandDefinition): OptionTable {
  return Object.assign({}, options, ...Object.values(subcommands).map(allOptions));
}
