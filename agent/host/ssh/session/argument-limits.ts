// How long one argument or variable of a program may be. A session that exceeds this fails alone and says why, as under
// sshd.

import { bytesOf } from "../../../../protocol/values/byte-text.ts";
import type { ProcessSpec } from "./session-process.ts";

/**
 * Linux's MAX_ARG_STRLEN, 32 pages, without the NUL (execve(2)). Other systems only bound all arguments and variables
 * together.
 */
const MAX_BYTES = process.platform === "linux" ? 128 * 1024 - 1 : Number.POSITIVE_INFINITY;

/** Says what is too long, and how long it may be; undefined: nothing is. */
export function tooLongFor(spec: Pick<ProcessSpec, "args" | "environment">): string | undefined {
  for (const argument of spec.args) {
    const length = bytesOf(argument).length;
    if (length > MAX_BYTES) return `the command has ${length} bytes, where at most ${MAX_BYTES} are possible`;
  }
  for (const [name, value] of Object.entries(spec.environment)) {
    const length = bytesOf(`${name}=${value}`).length;
    if (length > MAX_BYTES) {
      return `${name} has ${length} bytes with its name, where at most ${MAX_BYTES} are possible`;
    }
  }
  return undefined;
}
