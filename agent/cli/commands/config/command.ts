// `sallyport config`: the value of each option, and whether it comes from the environment, the file or its default.

import { homedir } from "node:os";
import {
  type Command,
  type CommandContext,
  ConfigFileError,
  UnknownWordError,
} from "../../../../protocol/command/command.ts";
import type { CommandDefinition, OptionDefinition } from "../../../../protocol/command/definition.ts";
import { executable, type Input, readInput } from "../../../../protocol/command/run.ts";
import type { Source } from "../../../../protocol/command/settings.ts";
import { redactSecrets } from "../../../../protocol/values/token.ts";
import { json, table, terminalWidth } from "../../../platform/output.ts";
import { configFilePath, thisMachine } from "../../../platform/paths.ts";
import { definition } from "./definition.ts";

interface ShownValue {
  readonly command: string;
  readonly option: string;
  readonly value: string;
  readonly source: Source;
  /** A variable, or the file and the key; null: a default. */
  readonly from: string | null;
}

function run(
  { options, operands }: Input<typeof definition>,
  definitions: readonly CommandDefinition[],
  context: CommandContext,
): number {
  const all = definitions.flatMap(withSubcommands);
  const name = operands.command.join(" ");
  const { config } = context;
  for (const section of Object.keys(config?.commands ?? {})) {
    if (all.some((each) => each.name === section)) continue;
    throw new ConfigFileError(`commands.${section} in ${config?.path}: there is no such command.`);
  }
  // Reads every value, so that a wrong one is told here.
  const values = all.flatMap((each) => valuesOf(each, context));
  if (name !== "" && !all.some((each) => each.name === name)) {
    const known = all.map((each) => each.name);
    throw new UnknownWordError(`There is no command ${JSON.stringify(name)}.`, name, known);
  }
  const shown = values.filter(({ command, source }) =>
    name === "" ? source !== "default" : command === name,
  );
  const path = configFilePath(thisMachine(context.env, homedir));
  const file = { path, exists: config !== undefined };
  if (options.json) {
    context.stdout.write(json({ file, values: shown }));
    return 0;
  }
  context.stderr.write(`Configuration file: ${path}${file.exists ? "" : " (there is none)"}\n`);
  const rows = shown.map(({ command, option, value, source, from }) => [
    command,
    option,
    value,
    from ?? source,
  ]);
  const headings = ["COMMAND", "OPTION", "VALUE", "FROM"];
  if (rows.length > 0) context.stdout.write(table(headings, rows, terminalWidth(context.stdout)));
  return 0;
}

/** The values of options that are set somewhere. @throws ConfigFileError, UsageError */
function valuesOf(each: CommandDefinition, context: CommandContext): readonly ShownValue[] {
  const { operands: _, ...withoutOperands } = each;
  const { settings } = readInput(withoutOperands, { options: [], operands: [] }, context);
  return [...settings].map(([option, { source, texts, from }]) => ({
    command: each.name,
    option,
    value: texts.map((text) => withoutSecrets(text, each.options[option])).join(" "),
    source,
    from: source === "default" ? null : from,
  }));
}

function withoutSecrets(text: string, option: OptionDefinition | undefined): string {
  if (option?.secretProblem?.(text) === undefined) return redactSecrets(text);
  // An address with a user name or password, perhaps without a scheme.
  const shown = text.trim().replace(/^((?:https?|socks[45]?[ah]?):\/\/)?.*@/is, "$1…@");
  return shown.startsWith("…@") || shown.includes("://…@") ? shown : "…";
}

function withSubcommands(each: CommandDefinition): readonly CommandDefinition[] {
  const own = each.needsSubcommand ? [] : [each];
  return [...own, ...Object.values(each.subcommands ?? {}).flatMap(withSubcommands)];
}

/** @param definitions of every command of the program */
export function configCommand(definitions: () => Promise<readonly CommandDefinition[]>): Command {
  return executable(definition, async (input, context) => run(input, await definitions(), context));
}
