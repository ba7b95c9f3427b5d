// Runs one of our helper scripts in the executable, which has no `node -e`: `sallyport helper-process NAME ARGUMENT…`. No help
// mentions it, since only this program calls it.

import { createRequire } from "node:module";
import { HELPER_COMMAND, type HelperScript } from "../platform/executable.ts";

const HELPERS: Readonly<Record<string, () => Promise<HelperScript>>> = {
  keychain: async () => (await import("../platform/credentials/keychain.ts")).KEYCHAIN_HELPER,
  "close-descriptors": async () => (await import("../host/ssh/prelude/prelude-shell.ts")).CLOSE_DESCRIPTORS,
};

/**
 * Runs the script, and returns when it has been evaluated; it may go on after that. undefined: the arguments name none.
 * @param args everything after the program
 */
export async function runHelper([command, name = "", ...rest]: readonly string[]): Promise<true | undefined> {
  const load = Object.hasOwn(HELPERS, name) ? HELPERS[name] : undefined;
  if (command !== HELPER_COMMAND || load === undefined) return undefined;
  const { source } = await load();
  process.argv = [process.execPath, ...rest];
  new Function("require", source)(createRequire(process.execPath));
  return true;
}
