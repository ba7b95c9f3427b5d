// `sallyport doctor`: tries a connection stage by stage, and says where it fails.

import { homedir } from "node:os";
import { resolve } from "node:path";
import type { CommandContext } from "../../../../protocol/command/command.ts";
import { executable, type Input } from "../../../../protocol/command/run.ts";
import { diagnose } from "../../../client/diagnose/diagnose.ts";
import { conclusion, reportMarkdown, reportTable } from "../../../client/diagnose/render.ts";
import type { StageProgress } from "../../../client/diagnose/report.ts";
import { ownCompanion } from "../../../client/tunnel/own-command.ts";
import { resolveGateway } from "../../../platform/credentials/store.ts";
import { json, terminalWidth } from "../../../platform/output.ts";
import { thisMachine } from "../../../platform/paths.ts";
import { definition } from "./definition.ts";

async function run(
  { options, operands }: Input<typeof definition>,
  context: CommandContext,
): Promise<number> {
  const quiet = options.json || options.markdown;
  const report = await diagnose(
    {
      gateway: resolveGateway(options.gateway, context.env),
      workspace: operands.workspace,
      transport: options.transport,
      machine: thisMachine(context.env, homedir),
      companion: ownCompanion(),
      ssh: context.env.SALLYPORT_SSH || undefined,
      configFile: configFile(options["ssh-config"]),
      signal: context.signal,
    },
    quiet ? undefined : progressOn(context),
  );
  if (options.json) context.stdout.write(json(report));
  else if (options.markdown) context.stdout.write(reportMarkdown(report));
  else context.stdout.write(reportTable(report, terminalWidth(context.stdout)));
  if (report.ok) return 0;
  if (quiet) context.stderr.write(`sallyport: ${conclusion(report)}\n`);
  return 1;
}

function configFile(given: string | undefined): string | undefined {
  return given === undefined || given === "none" ? given : resolve(given);
}

/** Shows which stage is running, on one line that the next stage replaces; only on a terminal. */
function progressOn({ stderr }: CommandContext): (stage: StageProgress) => void {
  if (!("isTTY" in stderr) || stderr.isTTY !== true) return () => {};
  return (stage) => stderr.write(stage.status === "running" ? `\r\x1b[K… ${stage.title}` : "\r\x1b[K");
}

export const command = executable(definition, run);
