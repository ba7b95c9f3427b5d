// Expands paths from an SSH configuration as ssh does: `~`, `%` tokens and `${VAR}` (ssh_config(5), TOKENS and ENVIRONMENT
// VARIABLES). Pure.

import { posix, win32 } from "node:path";
import type { Machine } from "../../platform/paths.ts";

export interface PathFacts extends Machine {
  /** The name that ssh was given. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: string;
  /** The user name at the host. */
  readonly remoteUser: string;
  /** The user name on this machine. */
  readonly localUser: string;
  readonly localHost: string;
}

/**
 * An absolute path; undefined if it cannot be expanded here: another user's home, a variable that is not set, or a token such
 * as `%C`, which only ssh can expand.
 */
export function expandPath(path: string, facts: PathFacts): string | undefined {
  const { platform, home } = facts;
  const { join, resolve, isAbsolute } = platform === "win32" ? win32 : posix;
  let text = path;
  if (text === "~" || text.startsWith("~/") || (platform === "win32" && text.startsWith("~\\"))) {
    text = join(home, text.slice(1));
  } else if (text.startsWith("~")) return undefined;
  let known = true;
  text = text.replace(/%(.)|\$\{([^}]*)\}/g, (_, token?: string, variable?: string) => {
    const value =
      variable === undefined ? tokenValue(token ?? "", facts) : (facts.env[variable] ?? undefined);
    if (value === undefined) known = false;
    return value ?? "";
  });
  if (!known || text === "" || text.includes("\0")) return undefined;
  if (isAbsolute(text)) return text;
  // ssh resolves it against the directory that it is started in, which is not known; editors start it in the home directory.
  return resolve(home, text);
}

function tokenValue(token: string, facts: PathFacts): string | undefined {
  switch (token) {
    case "%":
      return "%";
    case "d":
      return facts.home;
    case "h":
      return facts.hostName;
    case "n":
    case "k":
      return facts.alias;
    case "p":
      return facts.port;
    case "r":
      return facts.remoteUser;
    case "u":
      return facts.localUser;
    case "l":
      return facts.localHost;
    case "L":
      return facts.localHost.split(".", 1)[0];
    default:
      return undefined;
  }
}
