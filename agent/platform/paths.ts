// The agent's directories on a person's machine, for configuration, caches and state. Pure, so that Windows and macOS are
// tested on Linux. Loaded at every start, so it imports only node:path.

import { posix, win32 } from "node:path";

/** The facts of a machine that paths depend on. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home directory, absolute. */
  readonly home: string;
}

/** This machine; tests pass an `env` of their own. */
export function thisMachine(env: Machine["env"], homedir: () => string): Machine {
  const platform = process.platform;
  const home = platform === "win32" ? env.USERPROFILE : env.HOME;
  return { platform, env, home: home === undefined || home === "" ? homeOf(homedir) : home };
}

/** `/` for a user id that is not in the user database, as in some containers. */
function homeOf(homedir: () => string): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}

/**
 * The directory for sign-ins and pinned host keys. SALLYPORT_CONFIG comes first. Relative values of XDG variables are ignored,
 * as the XDG Base Directory Specification asks.
 */
export function configDirectory(machine: Machine): string {
  const { platform, env, home } = machine;
  const { isAbsolute, join, resolve } = pathsOf(machine);
  const own = env.SALLYPORT_CONFIG;
  if (own !== undefined && own !== "") return resolve(own);
  if (platform === "win32") return join(env.APPDATA || join(home, "AppData", "Roaming"), "sallyport");
  if (platform === "darwin") return join(home, "Library", "Application Support", "sallyport");
  const xdg = env.XDG_CONFIG_HOME;
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, ".config"), "sallyport");
}

/** Where an editor leaves its network settings for companions: see network/proxy/editor-network.ts. */
export function editorNetworkFile(machine: Machine): string {
  return pathsOf(machine).join(configDirectory(machine), "editor-network.json");
}

/** The person's configuration file (agent/cli/config-file.ts). */
export function configFilePath(machine: Machine): string {
  return pathsOf(machine).join(configDirectory(machine), "config.json");
}

/** The directory for files that can be made again, such as compiled code. */
export function cacheDirectory(machine: Machine): string {
  const { platform, env, home } = machine;
  const { isAbsolute, join } = pathsOf(machine);
  if (platform === "win32") {
    return join(env.LOCALAPPDATA || join(home, "AppData", "Local"), "sallyport", "cache");
  }
  if (platform === "darwin") return join(home, "Library", "Caches", "sallyport");
  const xdg = env.XDG_CACHE_HOME;
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, ".cache"), "sallyport");
}

/** The directory for a program's state between its starts, such as a host's identity. */
export function stateDirectory(machine: Machine): string {
  const { platform, env, home } = machine;
  if (platform === "win32" || platform === "darwin") return configDirectory(machine);
  const xdg = env.XDG_STATE_HOME;
  const base = xdg !== undefined && posix.isAbsolute(xdg) ? xdg : posix.join(home, ".local", "state");
  return posix.join(base, "sallyport");
}

function pathsOf({ platform }: Machine): typeof posix {
  return platform === "win32" ? win32 : posix;
}
