// The command line that starts this program as a companion, for an ssh that this program runs.

import { resolve } from "node:path";
import { withoutNodeOptions } from "../../platform/node-environment.ts";

/** `sallyport tunnel`, to be followed by the gateway and the workspace. */
export function ownCompanion(): readonly string[] {
  const program = [process.execPath, resolve(process.argv[1] ?? "sallyport"), "tunnel"];
  return withoutNodeOptions(program, process.platform);
}
