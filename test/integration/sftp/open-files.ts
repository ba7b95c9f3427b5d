// Lists the files that this process has open: a server in it must have closed all of its own at the end.

import { readdirSync, readlinkSync } from "node:fs";

/** Descriptors of this process that lead below `directory`. */
export function openBelow(directory: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(directory) ? [target] : [];
    } catch {
      // The descriptor that listed the directory is gone by now.
      return [];
    }
  });
}
