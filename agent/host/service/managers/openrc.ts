// Services of OpenRC, as Alpine and Gentoo have it. They belong to the whole machine.

import type { ServiceManager, ServiceState } from "../manager.ts";
import { SERVICE_NAME } from "../service.ts";
import type { Ran, ServiceMachine } from "../service-machine.ts";
import { openrcScript } from "./openrc-script.ts";

const LOG = "/var/log/sallyport-host.log";
const RUNLEVEL = "default";

export function openrc(machine: ServiceMachine): ServiceManager {
  const service = (word: string) => ["rc-service", SERVICE_NAME, word];
  return {
    kind: "openrc",
    file: `/etc/init.d/${SERVICE_NAME}`,
    fileMode: 0o755,
    logFile: LOG,
    handsOverTokens: false,
    text: openrcScript,
    start: [{ words: ["rc-update", "add", SERVICE_NAME, RUNLEVEL] }, { words: service("restart") }],
    stop: [
      { words: service("stop"), mayFail: true },
      { words: ["rc-update", "--all", "delete", SERVICE_NAME], mayFail: true },
    ],
    forget: [],
    state: async () =>
      openrcState(await machine.run(service("status")), await machine.run(["rc-update", "show", RUNLEVEL])),
    logCommand: ["tail", "-n", "30", LOG],
  };
}

/** openrc-run's `status`: 0 started, 3 stopped, 32 crashed, 8 starting. */
export function openrcState({ code, stdout }: Ran, runlevel: Ran): ServiceState {
  const words = /status: *(\S.*)$/m.exec(stdout)?.[1]?.trim() ?? (code === 0 ? "started" : "stopped");
  return {
    words,
    is: code === 0 || code === 8 ? "running" : code === 32 ? "failed" : "stopped",
    enabled: runlevel.code === 0 ? runlevel.stdout.includes(SERVICE_NAME) : undefined,
    pid: undefined,
  };
}
