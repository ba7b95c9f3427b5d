// What a shell may offer at each place of a command line, as a flat list: the same for every shell.

import type { CommandDefinition, ValueType } from "../../../protocol/command/definition.ts";

export interface OptionWord {
  readonly name: string;
  readonly short: string | undefined;
  readonly description: string;
  readonly value: ValueType<unknown> | undefined;
}

/** What may follow one command. */
export interface Place {
  /** The words after `sallyport`; empty: none yet. */
  readonly path: string;
  readonly subcommands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly OptionWord[];
  /** Completions of the first operand, if a shell can know any. */
  readonly operand: ValueType<unknown>["completion"];
}

export function places(definitions: readonly CommandDefinition[]): readonly Place[] {
  const root: Place = {
    path: "",
    subcommands: definitions.map(({ name, summary }) => ({ name, summary })),
    options: [flag("help", "explain what there is"), flag("version", "print the version")],
    operand: undefined,
  };
  return [root, ...definitions.flatMap((each) => placesOf(each, definitions))];
}

function placesOf(definition: CommandDefinition, all: readonly CommandDefinition[]): readonly Place[] {
  const { name, options, operands = {}, subcommands = {} } = definition;
  const [operand] = Object.values(operands);
  const place: Place = {
    path: name,
    subcommands:
      name === "help"
        ? all.map((each) => ({ name: each.name, summary: each.summary }))
        : Object.entries(subcommands).map(([word, { summary }]) => ({ name: word, summary })),
    options: [
      ...Object.entries(options).flatMap(([option, { short, description, type, refused }]) =>
        refused === undefined ? [{ name: option, short, description: plain(description), value: type }] : [],
      ),
      flag("help", "explain this command"),
    ],
    operand: operand?.type.completion,
  };
  return [place, ...Object.values(subcommands).flatMap((each) => placesOf(each, all))];
}

/** The places that have subcommands or are one: what a script follows to know where it is. */
export function steps(all: readonly Place[]): readonly string[] {
  return all.flatMap(({ path, subcommands }) =>
    path === "help" ? [] : subcommands.map(({ name }) => (path === "" ? name : `${path} ${name}`)),
  );
}

function flag(name: string, description: string): OptionWord {
  return { name, short: undefined, description, value: undefined };
}

/** The first clause: a list of candidates has one line for each. */
function plain(description: string): string {
  return (description.split(/[;(]/)[0] ?? "").replaceAll("`", "").trim().replace(/[,:]$/, "");
}
