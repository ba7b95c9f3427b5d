// `sallyport help`: what `--help` says, or a man page.

import { type CommandContext, UnknownWordError } from "../../../../protocol/command/command.ts";
import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { VERSION } from "../../../../protocol/version.ts";
import { allDefinitions, findCommand } from "../../commands.ts";
import { manPage, overviewPage } from "../../help/man-page.ts";
import { helpText, overview } from "../../help/text.ts";
import { definition } from "./definition.ts";

async function run(
  { options, operands: { command: words } }: Input<typeof definition>,
  { stdout }: CommandContext,
): Promise<number> {
  const [name, ...rest] = words;
  if (name === undefined) {
    const all = await allDefinitions();
    stdout.write(options.man ? overviewPage(all, VERSION) : overview(all));
    return 0;
  }
  const entry = findCommand(name);
  if (entry === undefined) {
    const known = (await allDefinitions()).map((each) => each.name);
    throw new UnknownWordError(`There is no command ${JSON.stringify(name)}.`, name, known);
  }
  const { definition: whole } = await entry.definition();
  stdout.write(options.man ? manPage(whole, VERSION) : helpText(subcommand(whole, rest)));
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

export const command = executable(definition, run);
