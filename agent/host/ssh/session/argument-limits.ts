// What the system takes as one argument or variable of a program. A session with more than that fails alone, and says why, as
// under sshd.

import { bytesOf } from "../../../../protocol/values/byte-text.ts";
import type { ProcessSpec } from "./session-process.ts";

/** Linux's MAX_ARG_STRLEN, 32 pages, without the NUL (execve(2)). Others bound arguments and variables together alone. */
const LONGEST = process.platform === "linux" ? 128 * 1024 - 1 : Number.POSITIVE_INFINITY;

/** What of it is too long; undefined: nothing. */
export function tooLongFor(spec: Pick<ProcessSpec, "args" | "environment">): string | undefined {
  for (const argument of spec.args) {
    const length = bytesOf(argument).length;
    if (length > LONGEST) return `the command has ${length} bytes, where ${LONGEST} are possible`;
  }
  for (const [name, value] of Object.entries(spec.environment)) {
    const length = bytesOf(`${name}=${value}`).length;
    if (length > LONGEST) return `${name} has ${length} bytes with its name, where ${LONGEST} are possible`;
  }
  return undefined;
}
