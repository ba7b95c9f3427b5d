// `sallyport doctor`: goes the way of a connection stage by stage, and says where it ends.

import { homedir } from "node:os";
import { resolve } from "node:path";
import { type Command, type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import { parseWorkspaceRef } from "../../../../protocol/values/name.ts";
import { diagnose } from "../../../client/diagnose/diagnose.ts";
import { conclusion, reportMarkdown, reportTable } from "../../../client/diagnose/render.ts";
import type { StageProgress } from "../../../client/diagnose/report.ts";
import type { TransportSetting } from "../../../client/reachability/reachability.ts";
import { ownCompanion } from "../../../client/tunnel/own-command.ts";
import { resolveGateway } from "../../../platform/credentials/store.ts";
import { json, terminalWidth } from "../../../platform/output.ts";
import { thisMachine } from "../../../platform/paths.ts";
import { argument, GATEWAY_OPTIONS, readArguments, positionals as take } from "../../arguments.ts";

const help = `
Usage: sallyport doctor [options] WORKSPACE

Tries every step of a connection to a workspace: the gateway's name, ports and certificate, SSH and WebSockets to it, your
sign-in, the workspace, its host key, your key, a command, and a forwarded port. Says how long each took and, where one
fails, what that means and what to do. Nobody is asked for anything, and nothing is changed. Exit status 0: the way is open.

Options:
  --transport WAY   auto (default), direct or tunnel
  --ssh-config FILE your SSH configuration, where it is not ~/.ssh/config; none: without it
  --markdown        print the report as Markdown, to paste into an issue; without tokens and your home directory's name
  --json            print the report as JSON
  --gateway URL     a gateway other than the default one (SALLYPORT_GATEWAY)

SALLYPORT_SSH names another ssh program.

Example:
  sallyport doctor my-workspace
`;

const OPTIONS = {
  ...GATEWAY_OPTIONS,
  transport: { type: "string" },
  "ssh-config": { type: "string" },
  markdown: { type: "boolean" },
} as const;

async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { values, positionals } = readArguments(args, OPTIONS);
  const [name] = take(positionals, "WORKSPACE");
  const workspace = argument(() => parseWorkspaceRef(name));
  const gateway = argument(() => resolveGateway(values.gateway, context.env));
  const quiet = values.json === true || values.markdown === true;
  const report = await diagnose(
    {
      gateway,
      workspace,
      transport: transport(values.transport),
      machine: thisMachine(context.env, homedir),
      companion: ownCompanion(),
      ssh: context.env.SALLYPORT_SSH || undefined,
      configFile: configFile(values["ssh-config"]),
      signal: context.signal,
    },
    quiet ? undefined : progressOn(context),
  );
  if (values.json === true) context.stdout.write(json(report));
  else if (values.markdown === true) context.stdout.write(reportMarkdown(report));
  else context.stdout.write(reportTable(report, terminalWidth(context.stdout)));
  if (report.ok) return 0;
  if (quiet) context.stderr.write(`sallyport: ${conclusion(report)}\n`);
  return 1;
}

function transport(given: string | undefined): TransportSetting {
  if (given === undefined || given === "auto") return "auto";
  if (given === "direct" || given === "tunnel") return given;
  throw new UsageError(`--transport is auto, direct or tunnel, not ${JSON.stringify(given)}.`);
}

function configFile(given: string | undefined): string | undefined {
  return given === undefined || given === "none" ? given : resolve(given);
}

/** Which stage is running, on one line that the next one replaces; nothing where nobody watches. */
function progressOn({ stderr }: CommandContext): (stage: StageProgress) => void {
  if (!("isTTY" in stderr) || stderr.isTTY !== true) return () => {};
  return (stage) => stderr.write(stage.status === "running" ? `\r\x1b[K… ${stage.title}` : "\r\x1b[K");
}

export const command: Command = { help, run };
