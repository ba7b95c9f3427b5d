// How `config-ssh` changes the person's own SSH configuration: it plans the change, shows it, and makes it after a yes.

import type { CommandContext } from "../../../../protocol/command/command.ts";
import { includeArgument, includeSpellings, type SshConfigPaths } from "../../../client/ssh-config/paths.ts";
import type { Change, Plan, planInclude } from "../../../client/ssh-config/person/include-plan.ts";
import { readPersonConfig } from "../../../client/ssh-config/person/person-file.ts";
import { CommandError } from "../../../platform/command-error.ts";
import type { Machine } from "../../../platform/paths.ts";
import { askYesNo, isTerminal } from "../../terminal.ts";

export interface Consent {
  readonly yes: boolean;
  readonly dryRun: boolean;
}

export async function planFor(
  paths: SshConfigPaths,
  { platform }: Machine,
  plan: typeof planInclude,
): Promise<Plan> {
  const { bytes, readOnly } = await readPersonConfig(paths.person);
  return plan(bytes, {
    path: paths.person,
    include: includeArgument(paths, platform),
    spellings: includeSpellings(paths),
    readOnly,
  });
}

/** @throws CommandError stage `config`, code `not_confirmed` */
export async function confirm(plan: Change, { yes }: Consent, context: CommandContext): Promise<void> {
  context.stderr.write(plan.diff);
  if (yes) return;
  const { stdin, stderr, signal } = context;
  if (isTerminal(stdin) && (await askYesNo("Change the file like this?", stdin, stderr, signal))) return;
  throw new CommandError(
    "config",
    "not_confirmed",
    isTerminal(stdin) ? "Nothing was changed." : "Nothing was changed: say yes on a terminal, or with --yes.",
  );
}

export function outdated({ person }: SshConfigPaths): CommandError {
  return new CommandError(
    "config",
    "outdated",
    `${person} has changed in the meantime: nothing was written. Run it again.`,
  );
}
