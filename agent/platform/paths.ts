// Where the agent keeps what it knows of a person: one directory for configuration, one for caches. Pure, so that
// Windows and macOS are tested on Linux. Imported at every start, so nothing but node:path.

import { posix, win32 } from "node:path";

/** The facts of a machine that paths depend on. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home directory, absolute. */
  readonly home: string;
}

/** Takes the running process's own; `env` may be a test's. */
export function thisMachine(env: Machine["env"], homedir: () => string): Machine {
  const platform = process.platform;
  const home = platform === "win32" ? env.USERPROFILE : env.HOME;
  return { platform, env, home: home === undefined || home === "" ? homeOf(homedir) : home };
}

/** A user id without an entry in the user database, as containers have them, is at home nowhere. */
function homeOf(homedir: () => string): string {
  try {
    return homedir();
  } catch {
    return "/";
  }
}

/**
 * The directory for sign-ins and pinned host keys. SALLYPORT_CONFIG wins; relative values of XDG variables are
 * ignored, as the XDG Base Directory Specification asks.
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
  const { join } = machine.platform === "win32" ? win32 : posix;
  return join(configDirectory(machine), "config.json");
}

/** The directory for what can be made again, such as compiled code. */
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

/** The directory for what a program keeps between its starts, such as a host's identity. */
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
