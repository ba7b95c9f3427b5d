// The command line that starts this program as a companion, for an ssh that this program runs.

import { ownProgram } from "../../platform/executable.ts";
import { withoutNodeOptions } from "../../platform/node-environment.ts";

/** `sallyport tunnel`, to be followed by the gateway and the workspace. */
export function ownCompanion(): readonly string[] {
  return withoutNodeOptions([...ownProgram(), "tunnel"], process.platform);
}
