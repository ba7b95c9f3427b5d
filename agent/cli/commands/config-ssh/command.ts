// `sallyport config-ssh`: puts all workspaces into the SSH configuration, so that ssh, scp, rsync and every editor know them by
// name; or takes all of that out again.

import { homedir } from "node:os";
import { resolve } from "node:path";
import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import type { GatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { gatewayApi } from "../../../client/gateway-api.ts";
import { applyConfig, readManaged, removeConfig } from "../../../client/ssh-config/apply.ts";
import {
  type Desired,
  type DesiredOptions,
  desiredConfig,
  type Listing,
} from "../../../client/ssh-config/desired-config.ts";
import { launcherPath, removeLauncher, writeLauncher } from "../../../client/ssh-config/launcher-file.ts";
import { countersOf, formatManagedConfig, withCounters } from "../../../client/ssh-config/managed-config.ts";
import { withOwnerTokens } from "../../../client/ssh-config/owner-token-blocks.ts";
import {
  includeArgument,
  includeSpellings,
  type SshConfigPaths,
  sshConfigPaths,
} from "../../../client/ssh-config/paths.ts";
import {
  type Change,
  type Plan,
  planInclude,
  planRemoval,
} from "../../../client/ssh-config/person/include-plan.ts";
import { readPersonConfig } from "../../../client/ssh-config/person/person-file.ts";
import type { Difference } from "../../../client/ssh-config/person/verify-alias.ts";
import { accountHome } from "../../../platform/account-home.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { listGateways, requireAccessToken, resolveGateway } from "../../../platform/credentials/store.ts";
import { networkFrom } from "../../../platform/network/configured-network.ts";
import { type Machine, thisMachine } from "../../../platform/paths.ts";
import { argument, positionals as noMore, readArguments } from "../../arguments.ts";
import { askYesNo, isTerminal } from "../../terminal.ts";

const help = `
Usage: sallyport config-ssh [options]

Puts every workspace that you can reach into your SSH configuration, so that \`ssh web.gateway.example\`, scp, rsync, git and
editors work without anything of Sallyport in front. The hosts are in ~/.ssh/sallyport/config, which Sallyport alone writes; your
own ~/.ssh/config gets one Include line at its top, after you have seen the change and said yes. Run it again when workspaces
come and go.

Options:
  --transport HOW   direct: through the gateway's SSH port; tunnel: over WebSocket (HTTPS), where port 22 is blocked;
                    auto: leave it as it is, direct for new ones (default)
  --file FILE       another SSH configuration than ~/.ssh/config
  --gateway URL     only the workspaces of this gateway; without it, of all that you are signed in at
  --dry-run         show what would be written, and write nothing
  --yes             change the SSH configuration without asking
  --remove          take everything out again: your own file is then as it was, byte for byte; the hosts themselves go with
                    the last file that includes them

Examples:
  sallyport config-ssh
  sallyport config-ssh --remove
`;

/** ssh is asked about this many hosts after a change; they are all made alike. */
const MAX_VERIFIED = 20;

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = readArguments(args, {
    gateway: { type: "string" },
    file: { type: "string" },
    transport: { type: "string" },
    "dry-run": { type: "boolean" },
    yes: { type: "boolean" },
    remove: { type: "boolean" },
    verbose: { type: "boolean" },
  });
  noMore(positionals);
  const machine = thisMachine(context.env, homedir);
  const paths = pathsOf(machine, values.file);
  const consent: Consent = { yes: values.yes === true, dryRun: values["dry-run"] === true };
  if (values.remove === true) return await remove(paths, machine, consent, context);
  const transport = parseTransport(values.transport);
  return await install(paths, machine, { ...consent, transport, gateway: values.gateway }, context);
}

interface Consent {
  readonly yes: boolean;
  readonly dryRun: boolean;
}

interface InstallOptions extends Consent {
  readonly transport: "auto" | "direct" | "tunnel";
  readonly gateway: string | undefined;
}

async function install(
  paths: SshConfigPaths,
  machine: Machine,
  options: InstallOptions,
  context: CommandContext,
): Promise<number> {
  // First of all: a file that cannot be read ends this before anybody is asked or told anything.
  const plan = await planFor(paths, machine, planInclude);
  if (plan.kind === "refused" && plan.code !== "read_only") throw refused(plan);
  const listings = await listAll(options, context);
  const wish = desiredOptions(paths, machine, options, context);
  const desire = (now: Desired["managed"]) =>
    withOwnerTokens(desiredConfig(now, listings, wish), now, listings, undefined, wish.place);
  const preview = desire(readManaged(paths));
  if (options.dryRun) {
    if (plan.kind === "change") context.stdout.write(`${plan.diff}\n`);
    if (plan.kind === "refused") context.stderr.write(lineToCopy(plan));
    const { sections } = preview.managed;
    const counters = countersOf(readManaged(paths).sections);
    context.stdout.write(formatManagedConfig(withCounters(sections, counters)));
    return 0;
  }
  if (plan.kind === "change") await confirm(plan, options, context);
  for (const { alias, after } of preview.changedKeys) {
    const keys = after.map(({ fingerprint }) => fingerprint).join(", ") || "none";
    context.stderr.write(
      `sallyport: the gateway publishes another host key for ${alias} than before: ${keys}\n`,
    );
  }
  if (preview.aliases.some(({ transport }) => transport === "tunnel")) await writeOwnLauncher(machine);
  const outcome = await applyConfig({
    paths,
    change: (now) => desire(now).managed,
    include: plan.kind === "change" ? plan : undefined,
    // Without the Include, ssh knows none of it yet.
    expect: plan.kind === "refused" ? [] : preview.expect.slice(0, MAX_VERIFIED),
    ssh: {
      program: context.env.SALLYPORT_SSH || "ssh",
      env: context.env,
      configFile: paths.personIsDefault ? undefined : paths.person,
      home: machine.home,
    },
  });
  if (outcome.kind === "outdated") throw outdated(paths);
  if (outcome.kind === "rolled-back") throw shadowed(paths, outcome.differences, context);
  report(preview, paths, outcome.changed, context);
  if (plan.kind !== "refused") return 0;
  context.stderr.write(lineToCopy(plan));
  return 1;
}

async function remove(
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

function pathsOf(machine: Machine, file: string | undefined): SshConfigPaths {
  const configured = file === undefined || file.startsWith("~") ? file : resolve(file);
  return sshConfigPaths({ ...machine, accountHome: accountHome(machine.home) }, configured);
}

async function planFor(
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

/** Of one gateway that does not answer the hosts stay as they are, if there are others. */
async function listAll(options: InstallOptions, context: CommandContext): Promise<Listing[]> {
  const named = options.gateway ?? (context.env.SALLYPORT_GATEWAY || undefined);
  const signedIn = listGateways(context.env).map(({ url }) => url);
  const gateways =
    named !== undefined || signedIn.length === 0
      ? [argument(() => resolveGateway(named, context.env))]
      : signedIn;
  const answers = await Promise.allSettled(gateways.map((gateway) => list(gateway, options, context)));
  const listings: Listing[] = [];
  for (const answer of answers) {
    if (answer.status === "fulfilled") listings.push(answer.value);
    else if (answers.every(({ status }) => status === "rejected")) throw answer.reason;
    else if (answer.reason instanceof CommandError && !context.signal.aborted) {
      context.stderr.write(
        `sallyport: ${answer.reason.stage}: ${answer.reason.message} Its hosts stay as they are.\n`,
      );
    } else throw answer.reason;
  }
  return listings;
}

async function list(gateway: GatewayUrl, options: InstallOptions, context: CommandContext): Promise<Listing> {
  const { token } = await requireAccessToken(gateway, context);
  const api = gatewayApi(gateway, { token, signal: context.signal, network: networkFrom(context.env) });
  const record = listGateways(context.env).find(({ url }) => url === gateway);
  const [workspaces, { ssh, hostKeys }, account] = await Promise.all([
    api.workspaces(),
    api.discovery(),
    record?.account ?? api.me().then((me) => me.account.name),
  ]);
  if (ssh === null && options.transport === "direct") {
    throw new CommandError("config", "no_ssh_port", `${gateway} has no SSH port: use --transport tunnel.`);
  }
  return { gateway, account, workspaces, ssh, hostKeys };
}

function desiredOptions(
  paths: SshConfigPaths,
  machine: Machine,
  options: InstallOptions,
  context: CommandContext,
): DesiredOptions {
  return {
    place: { knownHosts: paths.knownHosts, platform: machine.platform },
    launcher: launcherPath(machine),
    transport: options.transport,
    signedInAt: listGateways(context.env).map(({ url }) => url),
  };
}

async function writeOwnLauncher(machine: Machine): Promise<void> {
  await writeLauncher(
    {
      execPath: process.execPath,
      cliPath: resolve(process.argv[1] ?? "sallyport"),
      electron: process.versions.electron !== undefined,
      microsoftBuild: "microsoft-build" in process.versions,
    },
    machine,
  );
}

/** @throws CommandError stage `config`, code `not_confirmed` */
async function confirm(plan: Change, { yes }: Consent, context: CommandContext): Promise<void> {
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

function report(desired: Desired, paths: SshConfigPaths, changed: boolean, context: CommandContext): void {
  const { aliases } = desired;
  const count = aliases.length === 1 ? "1 workspace" : `${aliases.length} workspaces`;
  context.stderr.write(`${paths.config} ${changed ? "now has" : "already has"} ${count}.\n`);
  for (const { alias } of aliases) context.stdout.write(`ssh ${alias}\n`);
}

function lineToCopy({ message, line }: Extract<Plan, { kind: "refused" }>): string {
  return `sallyport: config: ${message} Put this line at its very top by yourself:\n${line}\n`;
}

function refused({ code, message }: Extract<Plan, { kind: "refused" }>): CommandError {
  return new CommandError("config", code, message);
}

function outdated({ person }: SshConfigPaths): CommandError {
  return new CommandError(
    "config",
    "outdated",
    `${person} has changed in between: nothing was written; run it again.`,
  );
}

function shadowed(
  { person }: SshConfigPaths,
  differences: readonly Difference[],
  context: CommandContext,
): CommandError {
  for (const { alias, setting, wanted, got } of differences) {
    context.stderr.write(
      `  ${alias}: ${setting} is ${got || "not set"}${wanted === "" ? "" : `, not ${wanted}`}\n`,
    );
  }
  return new CommandError(
    "config",
    "shadowed",
    `With ${person} as it is, ssh would not do what the hosts say (above). All files are as they were.`,
  );
}

function parseTransport(text: string | undefined): InstallOptions["transport"] {
  if (text === undefined || text === "auto") return "auto";
  if (text === "direct" || text === "tunnel") return text;
  throw new UsageError(`--transport is auto, direct or tunnel, not ${JSON.stringify(text)}.`);
}

export const command: Command = { help, run };
