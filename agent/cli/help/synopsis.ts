// The parts of a command's definition as text: what help, man pages and docs/commands.md have in common.

import type { CommandDefinition, OptionDefinition } from "../../../protocol/command/definition.ts";

/** Usage lines, each beginning with `sallyport`. */
export function usageLines(definition: CommandDefinition): readonly string[] {
  const own = definition.needsSubcommand ? [] : [usageLine(definition)];
  return [...own, ...Object.values(definition.subcommands ?? {}).flatMap(usageLines)];
}

function usageLine({ name, usage, operands = {}, options }: CommandDefinition): string {
  if (usage !== undefined) return `sallyport ${name} ${usage}`;
  const words = Object.values(operands).map(({ type, optional, repeated }) => {
    const word = repeated ? `${type.hint}…` : type.hint;
    return optional || repeated ? `[${word}]` : word;
  });
  return ["sallyport", name, ...words, ...(Object.keys(options).length === 0 ? [] : ["[options]"])].join(" ");
}

export interface ShownOption {
  /** `-v, --verbose`, `--gateway URL`. */
  readonly term: string;
  /** The description, with the variable and the default in parentheses behind it. */
  readonly text: string;
}

export interface OptionGroup {
  readonly title: string;
  readonly options: readonly ShownOption[];
}

/** In the order of the definition, "Options" where there is no group, and "Network" last. */
export function optionGroups({ options }: CommandDefinition): readonly OptionGroup[] {
  const groups = new Map<string, ShownOption[]>();
  for (const [name, option] of Object.entries(options)) {
    if (option.refused !== undefined) continue;
    const title = option.group ?? "Options";
    const group = groups.get(title) ?? [];
    groups.set(title, group);
    group.push({ term: termOf(name, option), text: textOf(option) });
  }
  return [...groups].map(([title, shown]) => ({ title, options: shown }));
}

function termOf(name: string, { short, type }: OptionDefinition): string {
  const long = type === undefined ? `--${name}` : `--${name} ${type.hint}`;
  return short === undefined ? long : `-${short}, ${long}`;
}

function textOf({ description, variable, default: text, otherwise }: OptionDefinition): string {
  const without = text ?? otherwise;
  const notes = [
    ...(variable === undefined ? [] : [variable]),
    ...(without === undefined ? [] : [`default: ${without}`]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join("; ")})`;
}

/** Names and meanings of the operands that need a word. */
export function operandList({ operands = {} }: CommandDefinition): readonly ShownOption[] {
  return Object.values(operands).map(({ type, description }) => ({ term: type.hint, text: description }));
}

export function variableList({ variables = {} }: CommandDefinition): readonly ShownOption[] {
  return Object.entries(variables).map(([term, text]) => ({ term, text }));
}
