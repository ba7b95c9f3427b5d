// Services of systemd: of the whole machine, or of one account.

import { join } from "node:path";
import { CommandError } from "../../../platform/command-error.ts";
import type { ServiceManager, ServiceState } from "../manager.ts";
import { SERVICE_NAME } from "../service.ts";
import { type ServiceMachine, unitDirectory } from "../service-machine.ts";
import { systemdUnit } from "./systemd-unit.ts";

const UNIT = `${SERVICE_NAME}.service`;
const PROPERTIES = ["LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "NRestarts"];

/** @throws CommandError code `no_service_manager`, `no_user_manager` */
export async function systemd(
  scope: "systemd-user" | "systemd-system",
  machine: ServiceMachine,
): Promise<ServiceManager> {
  const version = await versionOf(machine);
  const isUser = scope === "systemd-user";
  const own = isUser ? ["--user"] : [];
  const systemctl = (...words: string[]) => ["systemctl", ...own, ...words];
  if (isUser) await askForUserManager(machine, systemctl("show-environment"));
  return {
    kind: scope,
    file: join(isUser ? unitDirectory(machine) : "/etc/systemd/system", UNIT),
    fileMode: 0o644,
    logFile: undefined,
    handsOverTokens: !isUser && version >= 247,
    text: (service) => systemdUnit(service, version),
    start: [
      { words: systemctl("daemon-reload") },
      { words: systemctl("enable", UNIT) },
      { words: systemctl("restart", UNIT) },
    ],
    stop: [{ words: systemctl("disable", "--now", UNIT), mayFail: true }],
    forget: [
      { words: systemctl("daemon-reload") },
      // Otherwise a unit that had failed stays in the list.
      { words: systemctl("reset-failed", UNIT), mayFail: true },
    ],
    state: async () =>
      systemdState((await machine.run(systemctl("show", `--property=${PROPERTIES.join(",")}`, UNIT))).stdout),
    logCommand: ["journalctl", ...own, "--unit", UNIT, "--lines=30", "--output=cat", "--quiet", "--no-pager"],
  };
}

export function systemdState(shown: string): ServiceState {
  const values = new Map(
    shown.split("\n").map((line): [string, string] => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  const value = (name: string) => values.get(name) ?? "";
  const active = value("ActiveState");
  const sub = value("SubState");
  const pid = Number(value("MainPID"));
  const failed = active === "failed" || sub === "auto-restart" || Number(value("NRestarts")) > 0;
  return {
    words: active === "" ? "unknown" : `${active} (${sub})`,
    is: active === "active" ? (failed && pid === 0 ? "failed" : "running") : failed ? "failed" : "stopped",
    enabled: value("UnitFileState") === "" ? undefined : value("UnitFileState") === "enabled",
    pid: pid > 0 ? pid : undefined,
  };
}

async function versionOf(machine: ServiceMachine): Promise<number> {
  const { code, stdout } = await machine.run(["systemctl", "--version"]);
  const version = /^systemd (\d+)/.exec(stdout)?.[1];
  if (code === 0 && version !== undefined) return Number(version);
  throw new CommandError(
    "config",
    "no_service_manager",
    "`systemctl --version` does not answer, so there is no systemd that could run the host as a service.",
  );
}

async function askForUserManager(machine: ServiceMachine, words: readonly string[]): Promise<void> {
  const { code } = await machine.run(words);
  if (code === 0) return;
  throw new CommandError(
    "config",
    "no_user_manager",
    "systemd runs no services for this account here: sign in as it (not by su or sudo) and try again, or have root run `sallyport host install-service --system --user " +
      `${machine.userName}\`.`,
  );
}
