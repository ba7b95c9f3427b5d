// `sallyport host uninstall-service`: stops the service and removes what `install-service` wrote.

import type { CommandContext } from "../../../../../protocol/command/command.ts";
import type { Input } from "../../../../../protocol/command/run.ts";
import { findManager } from "../../../../host/service/find-manager.ts";
import { readServiceFile, removeServiceFile } from "../../../../host/service/service-file.ts";
import { thisServiceMachine } from "../../../../host/service/service-machine.ts";
import { commandText, runSteps } from "../../../../host/service/steps.ts";
import { CommandError } from "../../../../platform/command-error.ts";
import type { definition } from "../definition.ts";
import { agreed } from "./agreed.ts";

type UninstallInput = Input<(typeof definition)["subcommands"]["uninstall-service"]>;

/** @throws CommandError */
export async function uninstallService(
  { options }: UninstallInput,
  context: CommandContext,
): Promise<number> {
  const machine = thisServiceMachine(context.env);
  const manager = await findManager(options, machine);
  const found = readServiceFile(manager.file);
  if (found === undefined) {
    context.stderr.write(`There is no service: ${manager.file} does not exist.\n`);
    return 0;
  }
  const files = [manager.file, ...(manager.logFile === undefined ? [] : [manager.logFile])];
  context.stderr.write(`This stops the service and removes ${files.join(" and ")}.\n`);
  await agreed(options.yes, "Remove the service?", context);
  await runSteps(manager.stop, machine);
  const { is, words } = await manager.state();
  if (is === "running") {
    const stop = manager.stop.map((step) => commandText(step.words)).join("; ");
    throw new CommandError(
      "config",
      "service_failed",
      `The service cannot be stopped (${words}), so nothing was removed: see what \`${stop}\` says.`,
    );
  }
  for (const file of files) removeServiceFile(file);
  await runSteps(manager.forget, machine);
  context.stdout.write(`The service is removed. The host's keys and id are still in ${found.state}.\n`);
  return 0;
}
