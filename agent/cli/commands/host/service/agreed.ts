// The yes that installing and removing a service wait for.

import type { CommandContext } from "../../../../../protocol/command/command.ts";
import { CommandError } from "../../../../platform/command-error.ts";
import { askYesNo, isTerminal } from "../../../terminal.ts";

/** @throws CommandError stage `config`: not_confirmed (a no, or nobody to ask) */
export async function agreed(yes: boolean, question: string, context: CommandContext): Promise<void> {
  if (yes) return;
  const { stdin, stderr, signal } = context;
  if (!isTerminal(stdin)) {
    throw new CommandError(
      "config",
      "not_confirmed",
      "There is nobody to ask here: pass --yes to agree to this.",
    );
  }
  if (await askYesNo(question, stdin, stderr, signal)) return;
  throw new CommandError("config", "not_confirmed", "Nothing was changed.");
}
