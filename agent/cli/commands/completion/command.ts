// `sallyport completion`: a script for a shell, made from the definitions of all commands.

import type { Command, CommandContext } from "../../../../protocol/command/command.ts";
import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { completionScript } from "../../completion/script.ts";
import { definition } from "./definition.ts";

function run(
  { operands }: Input<typeof definition>,
  definitions: readonly CommandDefinition[],
  { stdout }: CommandContext,
): number {
  stdout.write(completionScript(operands.shell, definitions));
  return 0;
}

/** @param definitions of every command of the program */
export function completionCommand(definitions: () => Promise<readonly CommandDefinition[]>): Command {
  return executable(definition, async (input, context) => run(input, await definitions(), context));
}
