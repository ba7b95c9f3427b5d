// Where the managed SSH configuration lies, and which file is the person's own. Pure.

import { posix, win32 } from "node:path";
import type { Machine } from "../../platform/paths.ts";

/** Files below `~/.ssh/sallyport`, which Sallyport alone writes, and the person's file, which includes one of them. */
export interface SshConfigPaths {
  /** 0700. */
  readonly directory: string;
  readonly config: string;
  readonly knownHosts: string;
  /** Held by whoever writes any of these, in whichever window or editor. */
  readonly lock: string;
  /** A copy of the person's file while it is written in place. */
  readonly backup: string;
  readonly person: string;
  /** The one that it is where nothing else is configured. */
  readonly defaultPerson: string;
  /** A list of the person's files that were made to include the managed one. */
  readonly includers: string;
  /** ssh reads the person's file by itself; otherwise it has to be told with `-F`. */
  readonly personIsDefault: boolean;
}

export interface ConfigMachine extends Pick<Machine, "platform" | "home"> {
  /** What ssh takes for `~`: the home directory of the user database, which $HOME does not change. */
  readonly accountHome: string;
}

/** `configured` is `remote.SSH.configFile`, or what `--file` names: absolute, or below `~`; empty is none. */
export function sshConfigPaths(machine: ConfigMachine, configured?: string): SshConfigPaths {
  const { home, accountHome, platform } = machine;
  const { join, resolve } = platform === "win32" ? win32 : posix;
  const directory = join(home, ".ssh", "sallyport");
  const person =
    configured === undefined || configured.trim() === ""
      ? join(home, ".ssh", "config")
      : resolve(configured.trim().replace(/^~(?=$|[\\/])/, () => home));
  return {
    directory,
    config: join(directory, "config"),
    knownHosts: join(directory, "known_hosts"),
    lock: join(directory, "lock"),
    backup: join(directory, "person-config.backup"),
    person,
    defaultPerson: join(home, ".ssh", "config"),
    includers: join(directory, "included-by.json"),
    personIsDefault: samePath(person, join(accountHome, ".ssh", "config"), platform),
  };
}

/**
 * The argument of the Include line: below `~` where the person's file is the one in their home, so that it holds on every
 * machine that the file is carried to; absolute otherwise, and on Windows, where readers differ on `~`.
 */
export function includeArgument(paths: SshConfigPaths, platform: NodeJS.Platform): string {
  if (paths.personIsDefault && platform !== "win32") return "~/.ssh/sallyport/config";
  const plain = platform === "win32" ? paths.config.replaceAll("\\", "/") : escapeGlob(paths.config);
  return /^[A-Za-z0-9_@%+=:,./~-]+$/.test(plain) ? plain : `"${plain.replaceAll('"', '\\"')}"`;
}

/** Other ways to write the same path in an Include: relative ones start in `~/.ssh` (ssh_config(5)). */
export function includeSpellings(paths: SshConfigPaths): string[] {
  const inHome = paths.personIsDefault ? ["~/.ssh/sallyport/config", "sallyport/config"] : [];
  return [paths.config, paths.config.replaceAll("\\", "/"), ...inHome];
}

/** The same for any of a person's files. */
export function allIncludeSpellings(paths: SshConfigPaths): string[] {
  return includeSpellings({ ...paths, personIsDefault: true });
}

/** An Include is a glob(3) pattern (ssh_config(5)); of a backslash itself both ssh's splitting and glob(3) take one half. */
function escapeGlob(path: string): string {
  return path.replaceAll("\\", "\\\\\\\\").replace(/[[\]*?]/g, "\\$&");
}

function samePath(a: string, b: string, platform: NodeJS.Platform): boolean {
  return platform === "win32" ? a.toLowerCase() === b.toLowerCase() : a === b;
}
