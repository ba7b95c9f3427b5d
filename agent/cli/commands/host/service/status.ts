// `sallyport host service-status`: what the service manager and the host itself say.

import type { CommandContext } from "../../../../../protocol/command/command.ts";
import type { Input } from "../../../../../protocol/command/run.ts";
import { printable } from "../../../../../protocol/values/printable.ts";
import { readRunningNote } from "../../../../host/running-note.ts";
import { findManager } from "../../../../host/service/find-manager.ts";
import { readServiceFile } from "../../../../host/service/service-file.ts";
import { type ServiceMachine, thisServiceMachine } from "../../../../host/service/service-machine.ts";
import { json } from "../../../../platform/output.ts";
import { isProcessAlive } from "../../../../platform/process-alive.ts";
import type { definition } from "../definition.ts";

type StatusInput = Input<(typeof definition)["subcommands"]["service-status"]>;

/** @throws CommandError */
export async function serviceStatus({ options }: StatusInput, context: CommandContext): Promise<number> {
  const machine = thisServiceMachine(context.env);
  const manager = await findManager(options, machine);
  const file = readServiceFile(manager.file);
  if (file === undefined) {
    if (options.json)
      context.stdout.write(json({ installed: false, manager: manager.kind, file: manager.file }));
    else context.stderr.write(`There is no service: ${manager.file} does not exist.\n`);
    return 1;
  }
  const [service, installed] = await Promise.all([manager.state(), installedVersion(file.program, machine)]);
  const left = readRunningNote(file.state);
  const note = left !== undefined && isProcessAlive(left.pid) ? left : undefined;
  const status = {
    installed: true,
    manager: manager.kind,
    file: manager.file,
    service: { state: service.words, is: service.is, enabled: service.enabled ?? null },
    host:
      note === undefined
        ? null
        : { pid: note.pid, gateway: note.gateway, name: note.name, online: note.online, why: note.why },
    state: file.state,
    version: { running: note?.version ?? null, installed: installed ?? null },
  };
  context.stdout.write(options.json ? json(status) : text(status, manager.kind));
  return service.is === "running" && note?.online === true ? 0 : 1;
}

interface Status {
  readonly file: string;
  readonly service: { readonly state: string; readonly enabled: boolean | null };
  readonly host: { gateway: string; name: string; online: boolean; why: string } | null;
  readonly version: { readonly running: string | null; readonly installed: string | null };
}

function text({ file, service, host, version }: Status, kind: string): string {
  const { running, installed } = version;
  const isOld = running !== null && installed !== null && running !== installed;
  const lines: [string, string][] = [
    ["Service", `${kind}, ${service.state}${service.enabled === false ? ", not started by itself" : ""}`],
    ["File", file],
    ["Workspace", host === null ? "the host does not run" : hostText(host)],
    ["Version", `${running ?? "none"} runs, ${installed ?? "none"} is installed`],
    ...(isOld ? ([["", "Restart the service to run the installed one."]] satisfies [string, string][]) : []),
  ];
  return lines.map(([key, value]) => `${key.padEnd(11)}${printable(value)}\n`).join("");
}

function hostText({ gateway, name, online, why }: NonNullable<Status["host"]>): string {
  const place = `${name} at ${gateway}`;
  return online ? `${place}, online` : `${place}, not online${why === "" ? "" : `: ${why}`}`;
}

/** undefined: the program that the service starts is not there, or does not run. */
async function installedVersion(
  program: readonly string[],
  machine: ServiceMachine,
): Promise<string | undefined> {
  if (program.length === 0) return undefined;
  const { code, stdout } = await machine.run([...program, "--version"]);
  return code === 0 ? /\d+\.\d+\.\d+\S*/.exec(stdout)?.[0] : undefined;
}
