// `sallyport ssh`: the system's own ssh, with the tunnel as its ProxyCommand and the workspace's host key pinned.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { bytesOf } from "../../../../protocol/values/byte-text.ts";
import { parseWorkspaceRef } from "../../../../protocol/values/name.ts";
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
import { argument } from "../../arguments.ts";
import { NETWORK_HELP, takeNetworkFlags } from "../../network-flags.ts";

const help = `
Usage: sallyport ssh [options] WORKSPACE [ssh options] [[--] COMMAND…]

Runs your own ssh into a workspace, over WebSocket, with the host key that the gateway publishes for it pinned. WORKSPACE is
its name, name.owner for one that is shared with you, or its id (ws_…). Options of ssh (-L, -R, -D, -N, -A, -t, -i, -p …)
go where they go with ssh, and your own ssh configuration still applies. The exit status is ssh's.

Options:
  --print             print the ssh command instead of running it
  --host-key KEY      accept only this host key ("ssh-ed25519 AAAA…", or a SHA256:… fingerprint of a published one); needed
                      for a workspace that is registered without an account
  --known-hosts FILE  the same, from a file: lines of known_hosts for the workspace's id, or plain public keys
  --gateway URL       a gateway other than the default one (SALLYPORT_GATEWAY)

SALLYPORT_SSH names another ssh program.

For scp, sftp, rsync and editors, take the options that --print shows, or put the tunnel into an SSH configuration:
  Host my-workspace
    ProxyCommand sallyport tunnel https://gateway.example my-workspace

Examples:
  sallyport ssh my-workspace
  sallyport ssh my-workspace -L 8080:localhost:80 -- make test
`;

async function run(args: readonly string[], given: CommandContext): Promise<number> {
  const request = splitSshArguments(rawArguments(args), SALLYPORT_SSH_OPTIONS);
  if ("problem" in request) throw new UsageError(request.problem);
  const { workspace, own } = request;
  if (own.has("help")) {
    given.stdout.write(`${help.trim()}\n${NETWORK_HELP}`);
    return 0;
  }
  const context = withNetworkFlags(own, given);
  if (workspace === undefined) throw new UsageError("WORKSPACE is missing.");
  const ref = argument(() => parseWorkspaceRef(workspace));
  const gateway = argument(() => resolveGateway(text(own.get("gateway")), context.env));
  const target = await findTarget(
    gateway,
    ref,
    { hostKey: text(own.get("host-key")), knownHostsFile: text(own.get("known-hosts")) },
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
  // ssh is asked without the command, which it may not like beside what the configuration says.
  const counters = await countersNeeded(
    (known) => sshArguments({ ...invocation, command: [], counters: known }),
    { program: ssh, env: context.env },
  );
  const sshArgs = sshArguments({ ...invocation, counters });
  if (own.has("print")) {
    context.stdout.write(bytesOf(`${quoteCommand([ssh, ...sshArgs], process.platform)}\n`));
    return 0;
  }
  return runSsh(ssh, sshArgs, context);
}

/** The companion is ssh's child, and finds what was said about the network in its environment. */
function withNetworkFlags(own: ReadonlyMap<string, string | true>, context: CommandContext): CommandContext {
  const flags = [...own].flatMap(([name, value]) =>
    typeof value === "string" ? [`--${name}=${value}`] : [],
  );
  const { args, env } = takeNetworkFlags(flags, context.env);
  if (args.length < flags.length && own.has("print")) {
    throw new UsageError(
      "The command that --print shows cannot carry flags about the network: set SALLYPORT_PROXY and its like where it runs.",
    );
  }
  return args.length === flags.length ? context : { ...context, env };
}

/** ssh has the terminal to itself; its end is ours. */
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

function text(value: string | true | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export const command: Command = { help, run };
