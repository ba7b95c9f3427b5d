// `sallyport config-ssh`: puts all workspaces into the SSH configuration, so that ssh, scp, rsync and every editor know them by
// name; or takes all of that out again.

import { homedir } from "node:os";
import { resolve } from "node:path";
import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { type SshConfigPaths, sshConfigPaths } from "../../../client/ssh-config/paths.ts";
import { accountHome } from "../../../platform/account-home.ts";
import { type Machine, thisMachine } from "../../../platform/paths.ts";
import type { Consent } from "./change.ts";
import { definition } from "./definition.ts";
import { install } from "./install.ts";
import { remove } from "./remove.ts";

async function run({ options }: Input<typeof definition>, context: CommandContext): Promise<number> {
  const machine = thisMachine(context.env, homedir);
  const paths = pathsOf(machine, options.file);
  const consent: Consent = { yes: options.yes, dryRun: options["dry-run"] };
  if (options.remove) return await remove(paths, machine, consent, context);
  const { transport, gateway } = options;
  return await install(paths, machine, { ...consent, transport, gateway }, context);
}

function pathsOf(machine: Machine, file: string | undefined): SshConfigPaths {
  const configured = file === undefined || file.startsWith("~") ? file : resolve(file);
  return sshConfigPaths({ ...machine, accountHome: accountHome(machine.home) }, configured);
}

export const command = executable(definition, run);
