// The facts of this machine that everything below takes as arguments.

import { homedir } from "node:os";
import { env } from "vscode";
import { accountHome } from "../agent/platform/account-home.ts";
import { type Machine, thisMachine } from "../agent/platform/paths.ts";

export function machine(): Machine {
  return thisMachine(process.env, homedir);
}

/** What ssh takes for `~`, whatever HOME says. */
export function sshHome(): string {
  return accountHome(homedir());
}

/** Microsoft's builds have to be told twice that they are a Node. */
export function isMicrosoftBuild(): boolean {
  return /^Visual Studio Code/.test(env.appName);
}
