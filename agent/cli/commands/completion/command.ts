// `sallyport completion`: a script for a shell, made from the definitions of all commands.

import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { allDefinitions } from "../../commands.ts";
import { completionScript } from "../../completion/script.ts";
import { definition } from "./definition.ts";

async function run({ operands }: Input<typeof definition>, { stdout }: CommandContext): Promise<number> {
  stdout.write(completionScript(operands.shell, await allDefinitions()));
  return 0;
}

export const command = executable(definition, run);
