// `sallyport host install-service`: shows the service's file, asks, writes it, starts the service, and waits until the host says
// that it is online.

import type { CommandContext } from "../../../../../protocol/command/command.ts";
import type { Input } from "../../../../../protocol/command/run.ts";
import { findManager } from "../../../../host/service/find-manager.ts";
import { serviceAccount } from "../../../../host/service/service-account.ts";
import {
  readServiceFile,
  removeServiceFile,
  writeServiceFile,
} from "../../../../host/service/service-file.ts";
import { type ServiceMachine, thisServiceMachine } from "../../../../host/service/service-machine.ts";
import { commandText, runSteps } from "../../../../host/service/steps.ts";
import { waitUntilOnline } from "../../../../host/service/wait-until-online.ts";
import { CommandError } from "../../../../platform/command-error.ts";
import { askYesNo, isTerminal } from "../../../terminal.ts";
import type { definition } from "../definition.ts";
import { agreed } from "./agreed.ts";
import { planService } from "./plan.ts";

type InstallInput = Input<(typeof definition)["subcommands"]["install-service"]>;

/** @throws UsageError, CommandError */
export async function installService(input: InstallInput, context: CommandContext): Promise<number> {
  const { options } = input;
  const machine = thisServiceMachine(context.env);
  const manager = await findManager(options, machine);
  const isSystem = manager.kind !== "systemd-user" && manager.kind !== "launch-agent";
  const account = await serviceAccount(options.user, isSystem, machine);
  const { service, options: host, notes } = await planService(input, account, manager, machine, context);
  const text = manager.text(service);
  const former = readServiceFile(manager.file);
  const say = (line: string) => context.stderr.write(`${line}\n`);

  say(`${former === undefined ? "This writes" : "This replaces"} ${manager.file}:\n`);
  for (const line of text.trimEnd().split("\n")) say(`    ${line}`);
  say(`\nand then runs:\n`);
  for (const { words } of manager.start) say(`    ${commandText(words)}`);
  say("");
  if (manager.logFile !== undefined) say(`The host's log will be in ${manager.logFile}.`);
  if (isSystem) say(`The host and all of its sessions run as ${account.name}.`);
  for (const note of notes) say(note);
  await agreed(options.yes, former === undefined ? "Install the service?" : "Replace the service?", context);

  writeServiceFile(manager.file, text, manager.fileMode);
  const startedAt = Date.now();
  try {
    await runSteps(manager.start, machine);
  } catch (error) {
    // As before: what cannot be started must not be started at the next boot either.
    if (former === undefined) {
      await runSteps(manager.stop, machine).catch(() => undefined);
      removeServiceFile(manager.file);
    } else writeServiceFile(manager.file, former.text, manager.fileMode);
    await runSteps(manager.forget, machine).catch(() => undefined);
    throw error;
  }
  if (manager.kind === "systemd-user") await offerLinger(options, machine, context);
  await waitUntilOnline(service.state, startedAt, manager, machine, context.signal);
  const starts = isSystem ? "the machine" : "your services";
  context.stdout.write(
    `Workspace ${host.name} is online at ${host.gateway}, and will be after every start of ${starts}.\n` +
      `How to connect is in its log: ${commandText(manager.logCommand)}\n`,
  );
  return 0;
}

/** Without lingering, systemd ends an account's services with its last session: it is switched on only after a yes of its own. */
async function offerLinger(
  { linger, yes }: InstallInput["options"],
  machine: ServiceMachine,
  context: CommandContext,
): Promise<void> {
  const shown = await machine.run([
    "loginctl",
    "show-user",
    machine.userName,
    "--property=Linger",
    "--value",
  ]);
  if (shown.stdout.trim() === "yes") return;
  const words = ["loginctl", "enable-linger"];
  const why = "Services of your account end when your last session on this machine does, unless it lingers.";
  let isWanted = linger;
  if (!linger && !yes && isTerminal(context.stdin)) {
    context.stderr.write(`${why}\n`);
    const question = `Let it linger (\`${commandText(words)}\`)?`;
    isWanted = await askYesNo(question, context.stdin, context.stderr, context.signal);
  }
  if (!isWanted) {
    context.stderr.write(`${why} For that, run \`${commandText(words)}\`.\n`);
    return;
  }
  const { code, stderr } = await machine.run(words);
  if (code === 0) return;
  throw new CommandError(
    "config",
    "no_linger",
    `The service runs, but \`${commandText(words)}\` failed (${stderr.trim()}): ask root to run \`${commandText([...words, machine.userName])}\`.`,
  );
}
