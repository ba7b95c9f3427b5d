// `sallyport ssh`: the system's own ssh, with the tunnel as its ProxyCommand and the workspace's host key pinned.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { readInput, withEnvironment } from "../../../../protocol/command/run.ts";
import type { Settings } from "../../../../protocol/command/settings.ts";
import { bytesOf } from "../../../../protocol/values/byte-text.ts";
import { pinHostKeys } from "../../../client/known-hosts/ssh-command-known-hosts.ts";
import {
  SALLYPORT_SSH_OPTIONS,
  splitSshArguments,
  sshArguments,
} from "../../../client/ssh-command/command-line.ts";
import { quoteCommand } from "../../../client/ssh-command/quote.ts";
import { rawArguments, startable } from "../../../client/ssh-command/raw-arguments.ts";
import { findTarget } from "../../../client/ssh-command/target.ts";
import { countersNeeded } from "../../../client/ssh-config/person/verify-alias.ts";
import { ownCompanion } from "../../../client/tunnel/own-command.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { resolveGateway } from "../../../platform/credentials/store.ts";
import { nodeEnvironment } from "../../../platform/node-environment.ts";
import { NETWORK_OPTIONS } from "../../shared-options.ts";
import { definition } from "./definition.ts";

/** ssh's options and ours may be mixed, so the arguments are split as ssh splits them. */
async function run(args: readonly string[], given: CommandContext): Promise<number> {
  const request = splitSshArguments(rawArguments(args), SALLYPORT_SSH_OPTIONS);
  if ("problem" in request) throw new UsageError(request.problem);
  if (request.own.has("help")) {
    const { helpText } = await import("../../help/text.ts");
    given.stdout.write(helpText(definition));
    return 0;
  }
  const own = [...request.own].map(([name, value]) => ({ name, value }));
  const operands = request.workspace === undefined ? [] : [request.workspace];
  const { options, operands: read, settings, env } = readInput(definition, { options: own, operands }, given);
  if (options.print && tellsNetwork(settings)) {
    throw new UsageError(
      "The command that --print shows cannot carry options about the network: set SALLYPORT_PROXY and its like where it runs.",
    );
  }
  const context = env === given.env ? given : withEnvironment(given, env);
  const gateway = resolveGateway(options.gateway, env);
  const target = await findTarget(
    gateway,
    read.workspace,
    { hostKey: options["host-key"], knownHostsFile: options["known-hosts"] },
    context,
  );
  const knownHosts = await pinHostKeys(target.alias, target.hostKeys, context.env);
  const ssh = context.env.SALLYPORT_SSH || "ssh";
  const invocation = {
    alias: target.alias,
    knownHosts,
    proxy: [...ownCompanion(), gateway, target.workspace],
    options: request.options,
    command: request.command,
    platform: process.platform,
  };
  // `ssh -G` is run without the command, which may conflict with the configuration.
  const counters = await countersNeeded(
    (known) => sshArguments({ ...invocation, command: [], counters: known }),
    { program: ssh, env: context.env },
  );
  const sshArgs = sshArguments({ ...invocation, counters });
  if (options.print) {
    context.stdout.write(bytesOf(`${quoteCommand([ssh, ...sshArgs], process.platform)}\n`));
    return 0;
  }
  return runSsh(ssh, sshArgs, context);
}

function tellsNetwork(settings: Settings): boolean {
  return Object.keys(NETWORK_OPTIONS).some((name) => settings.get(name)?.source === "command line");
}

/** ssh has the terminal to itself; when it ends, so does this command. */
function runSsh(program: string, args: readonly string[], context: CommandContext): Promise<number> {
  return new Promise((done, fail) => {
    // Elsewhere the companion's own command line keeps NODE_OPTIONS from it, and ssh's environment stays the person's.
    const env = process.platform === "win32" ? nodeEnvironment(context.env) : { ...context.env };
    const child = spawn(...startable(program, args), { stdio: "inherit", env });
    const end = () => child.kill("SIGTERM");
    context.signal.addEventListener("abort", end, { once: true });
    if (context.signal.aborted) end();
    child.on("error", (cause: NodeJS.ErrnoException) => {
      const message =
        cause.code === "ENOENT"
          ? `There is no ${program}: install OpenSSH's client, or name one by SALLYPORT_SSH.`
          : `${program} cannot be run (${cause.code}).`;
      fail(new CommandError("ssh", cause.code ?? "EUNKNOWN", message, { cause }));
    });
    child.on("exit", (code, signal) => {
      context.signal.removeEventListener("abort", end);
      done(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

export const command: Command = { definition, run };
