// The facts of this machine that everything below takes as arguments.

import { homedir, userInfo } from "node:os";
import { env } from "vscode";
import { type Machine, thisMachine } from "../agent/platform/paths.ts";

export function machine(): Machine {
  return thisMachine(process.env, homedir);
}

/** What ssh takes for `~`: on Unix the home directory of the user database, whatever HOME says. */
export function accountHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    // A user id without an entry in the user database, as containers have them.
    return homedir();
  }
}

/** Microsoft's builds have to be told twice that they are a Node. */
export function isMicrosoftBuild(): boolean {
  return /^Visual Studio Code/.test(env.appName);
}
