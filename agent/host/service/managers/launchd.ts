// Services of launchd on macOS: an agent of one account, or a daemon of the whole machine.

import { join } from "node:path";
import type { ServiceManager, ServiceState } from "../manager.ts";
import { SERVICE_NAME } from "../service.ts";
import type { Ran, ServiceMachine } from "../service-machine.ts";
import { launchdPlist } from "./launchd-plist.ts";

export async function launchd(
  kind: "launch-agent" | "launch-daemon",
  machine: ServiceMachine,
): Promise<ServiceManager> {
  const { home, uid } = machine;
  const isAgent = kind === "launch-agent";
  const domain = isAgent ? await agentDomain(uid, machine) : "system";
  const target = `${domain}/${SERVICE_NAME}`;
  const file = join(
    isAgent ? join(home, "Library", "LaunchAgents") : "/Library/LaunchDaemons",
    `${SERVICE_NAME}.plist`,
  );
  const logFile = join(isAgent ? join(home, "Library", "Logs") : "/Library/Logs", `${SERVICE_NAME}.log`);
  const bootout = { words: ["launchctl", "bootout", target], mayFail: true } as const;
  return {
    kind,
    file,
    fileMode: 0o644,
    logFile,
    handsOverTokens: false,
    text: launchdPlist,
    start: [
      bootout,
      { words: ["launchctl", "enable", target] },
      // Until the former service has ended, launchd answers that an operation is in progress.
      { words: ["launchctl", "bootstrap", domain, file], retried: true },
    ],
    stop: [bootout],
    forget: [],
    state: async () => launchdState(await machine.run(["launchctl", "print", target])),
    logCommand: ["tail", "-n", "30", logFile],
  };
}

/** Somebody who has come by ssh alone has no graphical session, whose domain is `gui`. */
async function agentDomain(uid: number, machine: ServiceMachine): Promise<string> {
  const { code } = await machine.run(["launchctl", "print", `gui/${uid}`]);
  return code === 0 ? `gui/${uid}` : `user/${uid}`;
}

export function launchdState({ code, stdout }: Ran): ServiceState {
  if (code !== 0) return { words: "not loaded", is: "stopped", enabled: undefined, pid: undefined };
  const value = (name: string) => new RegExp(`^\\s*${name} = (.+)$`, "m").exec(stdout)?.[1]?.trim();
  const state = value("state") ?? "unknown";
  const pid = Number(value("pid") ?? "0");
  const exit = value("last exit code");
  const hasFailed = exit !== undefined && /^[1-9]/.test(exit);
  return {
    words: hasFailed && pid === 0 ? `${state} (last exit code ${exit})` : state,
    is: pid > 0 ? "running" : hasFailed ? "failed" : "stopped",
    enabled: true,
    pid: pid > 0 ? pid : undefined,
  };
}
