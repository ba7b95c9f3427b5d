// The command line of the companion that belongs to this very program, for an ssh that this program starts.

import { resolve } from "node:path";
import { withoutNodeOptions } from "../../platform/node-environment.ts";

/** `sallyport tunnel`; the gateway and the workspace are still to come. */
export function ownCompanion(): readonly string[] {
  const program = [process.execPath, resolve(process.argv[1] ?? "sallyport"), "tunnel"];
  return withoutNodeOptions(program, process.platform);
}
