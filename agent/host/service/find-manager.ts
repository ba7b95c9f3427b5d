// Finds the program that keeps services running on this machine.

import { CommandError } from "../../platform/command-error.ts";
import type { MANAGERS, ServiceManager } from "./manager.ts";
import { launchd } from "./managers/launchd.ts";
import { openrc } from "./managers/openrc.ts";
import { systemd } from "./managers/systemd.ts";
import type { ServiceMachine } from "./service-machine.ts";

type Manager = (typeof MANAGERS)[number];

interface Wanted {
  /** undefined: the one that runs here. */
  readonly manager: Manager | undefined;
  /** Of the whole machine, instead of one account. */
  readonly system: boolean;
}

/**
 * Root's services are those of the whole machine.
 * @throws CommandError stage `config`: no_service_manager, no_user_manager, not_root
 */
export async function findManager(wanted: Wanted, machine: ServiceMachine): Promise<ServiceManager> {
  const manager = wanted.manager ?? runningManager(machine);
  const isRoot = machine.uid === 0;
  if (!isRoot && (wanted.system || manager === "openrc")) {
    throw new CommandError(
      "config",
      "not_root",
      wanted.system
        ? "A service of the whole machine is root's to change: run the same command with sudo, or leave out --system."
        : "OpenRC has services of the whole machine only: run the same command as root.",
    );
  }
  switch (manager) {
    case "systemd":
      return await systemd(isRoot ? "systemd-system" : "systemd-user", machine);
    case "openrc":
      return openrc(machine);
    case "launchd":
      return await launchd(isRoot ? "launch-daemon" : "launch-agent", machine);
  }
}

function runningManager({ platform, exists }: ServiceMachine): Manager {
  if (platform === "darwin") return "launchd";
  // sd_booted(3)
  if (platform === "linux" && exists("/run/systemd/system")) return "systemd";
  if (platform === "linux" && exists("/run/openrc/softlevel")) return "openrc";
  const inContainer = exists("/.dockerenv") || exists("/run/.containerenv");
  throw new CommandError(
    "config",
    "no_service_manager",
    platform === "linux"
      ? `${inContainer ? "A container has" : "This machine has"} neither systemd nor OpenRC running, so nothing here could run the host as a service: in a container, make the host its command (\`CMD ["sallyport", "host", …]\`).`
      : "Services are made with systemd, OpenRC and launchd only: have this machine's own means run `sallyport host`.",
  );
}
