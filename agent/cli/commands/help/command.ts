// `sallyport help`: what `--help` says, or a man page.

import { type Command, type CommandContext, UnknownWordError } from "../../../../protocol/command/command.ts";
import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { VERSION } from "../../../../protocol/version.ts";
import { manPage, overviewPage } from "../../help/man-page.ts";
import { helpText, overview } from "../../help/text.ts";
import { definition } from "./definition.ts";

function run(
  { options, operands: { command: words } }: Input<typeof definition>,
  definitions: readonly CommandDefinition[],
  { stdout }: CommandContext,
): number {
  const [name, ...rest] = words;
  if (name === undefined) {
    stdout.write(options.man ? overviewPage(definitions, VERSION) : overview(definitions));
    return 0;
  }
  const named = definitions.find((each) => each.name === name);
  if (named === undefined) {
    const known = definitions.map((each) => each.name);
    throw new UnknownWordError(`There is no command ${JSON.stringify(name)}.`, name, known);
  }
  stdout.write(options.man ? manPage(named, VERSION) : helpText(subcommand(named, rest)));
  return 0;
}

/** @throws UsageError a word that names no subcommand */
function subcommand(definition: CommandDefinition, words: readonly string[]): CommandDefinition {
  const [word, ...rest] = words;
  if (word === undefined) return definition;
  const { name, subcommands = {} } = definition;
  const named = Object.hasOwn(subcommands, word) ? subcommands[word] : undefined;
  if (named !== undefined) return subcommand(named, rest);
  throw new UnknownWordError(
    `${name} has no subcommand ${JSON.stringify(word)}.`,
    word,
    Object.keys(subcommands),
  );
}

/** @param definitions of every command of the program */
export function helpCommand(definitions: () => Promise<readonly CommandDefinition[]>): Command {
  return executable(definition, async (input, context) => run(input, await definitions(), context));
}
