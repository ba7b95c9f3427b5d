// The home directory of the account that this process runs as.

import { userInfo } from "node:os";

/**
 * What ssh takes for `~`: on Unix the home directory in the user database, whatever HOME says.
 * @param fallback returned for a user id without an entry there, as some containers have: ssh would not know its home either
 */
export function accountHome(fallback: string): string {
  try {
    return userInfo().homedir;
  } catch {
    return fallback;
  }
}
