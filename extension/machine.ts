// The facts about this machine that functions in agent/ take as arguments.

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

/** Microsoft's builds need one more option to run as Node. */
export function isMicrosoftBuild(): boolean {
  return /^Visual Studio Code/.test(env.appName);
}
