// Splits a command line into options and operands by a command's definition. node:util's parseArgs finds out what is what; what
// is wrong is said here, in one wording for all commands.

import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { UnknownWordError, UsageError } from "./command.ts";
import type { CommandDefinition, OptionDefinition } from "./definition.ts";

export type OptionTable = CommandDefinition["options"];

/** An option as it was given; `true`: one without a value. */
interface GivenOption {
  readonly name: string;
  readonly value: string | true;
}

export interface GivenArguments {
  readonly options: readonly GivenOption[];
  readonly operands: readonly string[];
}

/** @throws UsageError an option that there is not, or one with too little or too much */
export function splitArguments(args: readonly string[], table: OptionTable): GivenArguments {
  const options: GivenOption[] = [];
  const operands: string[] = [];
  const names = namesOf(table);
  for (const token of tokensOf(args, table)) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const name = names.get(token.name);
    const option = name === undefined ? undefined : table[name];
    if (name === undefined || option === undefined) throw unknownOption(token.rawName, table);
    if (option.refused !== undefined) throw new UsageError(option.refused);
    options.push({ name, value: checkedValue(token, option) });
  }
  return { options, operands };
}

/** The first operand and its place among the arguments; undefined: none before `--`, or none at all. */
export function firstOperand(
  args: readonly string[],
  table: OptionTable,
): { readonly word: string; readonly index: number } | undefined {
  for (const token of tokensOf(args, table)) {
    if (token.kind === "option-terminator") return undefined;
    if (token.kind === "positional") return { word: token.value, index: token.index };
  }
  return undefined;
}

function tokensOf(args: readonly string[], table: OptionTable) {
  const options: ParseArgsOptionsConfig = {};
  for (const [name, { type, short, aliases = [], repeated }] of Object.entries(table)) {
    const kind = type === undefined ? "boolean" : "string";
    options[name] = {
      type: kind,
      multiple: repeated !== undefined,
      ...(short === undefined ? {} : { short }),
    };
    for (const alias of aliases) options[alias] = { type: kind };
  }
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function namesOf(table: OptionTable): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [name, { aliases = [] }] of Object.entries(table)) {
    for (const each of [name, ...aliases]) names.set(each, name);
  }
  return names;
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function checkedValue(
  { rawName, value, inlineValue }: OptionToken,
  { type }: OptionDefinition,
): string | true {
  if (type === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value.`);
    return true;
  }
  if (value === undefined) throw new UsageError(`${rawName} needs a value: ${type.hint}.`);
  if (inlineValue === false && /^-./.test(value)) {
    throw new UsageError(
      `${rawName} needs a value; one that begins with - is written ${rawName}=${type.hint}.`,
    );
  }
  return value;
}

function unknownOption(rawName: string, table: OptionTable): UnknownWordError {
  const known = Object.entries(table).flatMap(([name, { refused }]) =>
    refused === undefined ? [`--${name}`] : [],
  );
  return new UnknownWordError(`Unknown option: ${rawName}.`, rawName, [...known, "--help"]);
}
