// Tells whether a process id is in use.

import { errorCode } from "./error-code.ts";

/** True for a process of another user as well (EPERM). Ids are reused: the process may not be the one that was meant. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
