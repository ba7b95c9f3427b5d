// The launcher, the script by which ssh starts the companion. It names the Node of this editor and the companion inside
// this extension.

import { join } from "node:path";
import { launcherPath, writeLauncher } from "../../agent/client/ssh-config/launcher-file.ts";
import type { LaunchCandidate } from "../../agent/client/ssh-config/launcher-script.ts";
import { describe } from "../failure-message.ts";
import { isMicrosoftBuild, machine } from "../machine.ts";
import type { Services } from "../services.ts";

export function companion(services: Services): LaunchCandidate & { readonly cliPath: string } {
  return {
    execPath: process.execPath,
    cliPath: join(services.context.extensionPath, "dist", "cli.js"),
    electron: process.versions.electron !== undefined,
    microsoftBuild: isMicrosoftBuild() && process.versions.electron !== undefined,
  };
}

/** Returns the launcher's path. @throws CommandError stage `file` or `config` */
export async function ensureLauncher(services: Services): Promise<string> {
  return (await writeLauncher(companion(services), machine())).path;
}

/** Updates the launcher at each start of an editor, if there is one: nothing is written before the first connection. */
export async function refreshLauncher(services: Services): Promise<void> {
  const { existsSync } = await import("node:fs");
  if (!existsSync(launcherPath(machine()))) return;
  try {
    const { changed } = await writeLauncher(companion(services), machine());
    if (changed) services.log.info("The tunnel's launcher was updated.");
  } catch (error) {
    services.log.warn(`The tunnel's launcher could not be updated: ${describe(error)}`);
  }
}
