// `sallyport config-ssh`: puts the workspaces of every gateway into the managed SSH configuration, and its Include line into the
// person's own.

import type { CommandContext } from "../../../../protocol/command/command.ts";
import type { GatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { gatewayApi } from "../../../client/gateway-api.ts";
import { applyConfig, readManaged } from "../../../client/ssh-config/apply.ts";
import {
  type Desired,
  type DesiredOptions,
  desiredConfig,
  type Listing,
} from "../../../client/ssh-config/desired-config.ts";
import { launcherPath, writeLauncher } from "../../../client/ssh-config/launcher-file.ts";
import { countersOf, formatManagedConfig, withCounters } from "../../../client/ssh-config/managed-config.ts";
import { withOwnerTokens } from "../../../client/ssh-config/owner-token-blocks.ts";
import type { SshConfigPaths } from "../../../client/ssh-config/paths.ts";
import { type Plan, planInclude } from "../../../client/ssh-config/person/include-plan.ts";
import type { Difference } from "../../../client/ssh-config/person/verify-alias.ts";
import { CommandError } from "../../../platform/command-error.ts";
import { listGateways, requireAccessToken, resolveGateway } from "../../../platform/credentials/store.ts";
import { lastingPath, ownProgram } from "../../../platform/executable.ts";
import { networkFrom } from "../../../platform/network/configured-network.ts";
import type { Machine } from "../../../platform/paths.ts";
import { type Consent, confirm, outdated, planFor } from "./change.ts";

/** How many hosts ssh is asked about after a change. One template makes them all. */
const MAX_VERIFIED = 20;

export interface InstallOptions extends Consent {
  readonly transport: "auto" | "direct" | "tunnel";
  readonly gateway: GatewayUrl | undefined;
}

export async function install(
  paths: SshConfigPaths,
  machine: Machine,
  options: InstallOptions,
  context: CommandContext,
): Promise<number> {
  // Comes first: a file that cannot be read ends this before anybody is asked or told anything.
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
      `sallyport: the host key that the gateway publishes for ${alias} has changed: ${keys}\n`,
    );
  }
  if (preview.aliases.some(({ transport }) => transport === "tunnel")) await writeOwnLauncher(machine);
  const outcome = await applyConfig({
    paths,
    change: (now) => desire(now).managed,
    include: plan.kind === "change" ? plan : undefined,
    // Without the Include line, ssh does not know the hosts yet.
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

/** The hosts of a gateway that does not answer stay as they are, if other gateways answer. */
async function listAll(options: InstallOptions, context: CommandContext): Promise<Listing[]> {
  const named = options.gateway;
  const signedIn = listGateways(context.env).map(({ url }) => url);
  const gateways =
    named !== undefined || signedIn.length === 0 ? [resolveGateway(named, context.env)] : signedIn;
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
  const [program, script] = ownProgram();
  await writeLauncher(
    {
      execPath: script === undefined ? lastingPath(program) : program,
      ...(script === undefined ? {} : { cliPath: script }),
      electron: process.versions.electron !== undefined,
      microsoftBuild: "microsoft-build" in process.versions,
    },
    machine,
  );
}

function report(desired: Desired, paths: SshConfigPaths, changed: boolean, context: CommandContext): void {
  const { aliases } = desired;
  const count = aliases.length === 1 ? "1 workspace" : `${aliases.length} workspaces`;
  context.stderr.write(`${paths.config} ${changed ? "now has" : "already has"} ${count}.\n`);
  for (const { alias } of aliases) context.stdout.write(`ssh ${alias}\n`);
}

function lineToCopy({ message, line }: Extract<Plan, { kind: "refused" }>): string {
  return `sallyport: config: ${message} Put this line at its very top yourself:\n${line}\n`;
}

function refused({ code, message }: Extract<Plan, { kind: "refused" }>): CommandError {
  return new CommandError("config", code, message);
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
