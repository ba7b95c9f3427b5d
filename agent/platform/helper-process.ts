// Small scripts of ours that need a process of their own. Node runs them with `-e`. The executable has no such option: there a
// hidden command finds the script by its name (agent/cli/run-helper.ts).

import { executable } from "./executable.ts";

/** The hidden command, followed by the name of a script and the script's arguments. */
export const HELPER_COMMAND = "helper-process";

/**
 * In the script, `process.argv` has the program and then the arguments, and `require` finds Node's modules and files by path.
 */
export interface HelperScript {
  readonly name: string;
  readonly source: string;
}

/** The command line up to the script's arguments. */
export function helperCommand({ name, source }: HelperScript): readonly [string, ...string[]] {
  const self = executable();
  return self === undefined
    ? [process.execPath, "--no-warnings", "-e", source, "--"]
    : [self.path, HELPER_COMMAND, name];
}
