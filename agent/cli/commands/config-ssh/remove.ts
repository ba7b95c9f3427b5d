// `sallyport config-ssh --remove`: takes everything out of the SSH configuration again.

import type { CommandContext } from "../../../../protocol/command/command.ts";
import { removeConfig } from "../../../client/ssh-config/apply.ts";
import { removeLauncher } from "../../../client/ssh-config/launcher-file.ts";
import type { SshConfigPaths } from "../../../client/ssh-config/paths.ts";
import { planRemoval } from "../../../client/ssh-config/person/include-plan.ts";
import { CommandError } from "../../../platform/command-error.ts";
import type { Machine } from "../../../platform/paths.ts";
import { type Consent, confirm, outdated, planFor } from "./change.ts";

export async function remove(
  paths: SshConfigPaths,
  machine: Machine,
  consent: Consent,
  context: CommandContext,
): Promise<number> {
  const plan = await planFor(paths, machine, planRemoval);
  if (plan.kind === "refused") {
    throw new CommandError(
      "config",
      plan.code,
      `${plan.message} Take this line out of it first: ${plan.line}`,
    );
  }
  if (consent.dryRun) {
    if (plan.kind === "change") context.stdout.write(plan.diff);
    return 0;
  }
  if (plan.kind === "change") await confirm(plan, consent, context);
  const outcome = await removeConfig({ paths, include: plan.kind === "change" ? plan : undefined });
  if (outcome.kind === "outdated") throw outdated(paths);
  if (outcome.keptFor.length > 0) {
    const from = outcome.changed ? `out of ${paths.person}` : `not in ${paths.person}`;
    context.stderr.write(`Sallyport is ${from}. Its hosts stay for ${outcome.keptFor.join(", ")}.\n`);
    return 0;
  }
  removeLauncher(machine);
  context.stderr.write(
    outcome.changed ? "Sallyport is out of your SSH configuration.\n" : "There was nothing to remove.\n",
  );
  return 0;
}
