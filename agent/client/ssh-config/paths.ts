// The paths of the managed SSH config and of the person's own file. Pure.

import { posix, win32 } from "node:path";
import type { Machine } from "../../platform/paths.ts";

/** Files below `~/.ssh/sallyport`, which only Sallyport writes, and the person's file, which includes one of them. */
export interface SshConfigPaths {
  /** 0700. */
  readonly directory: string;
  readonly config: string;
  readonly knownHosts: string;
  /** The lock for writing any of these files, from any window or editor. */
  readonly lock: string;
  /** A copy of the person's file while that is written in place. */
  readonly backup: string;
  readonly person: string;
  /** The person's file if nothing else is configured. */
  readonly defaultPerson: string;
  /** A list of the person's files that were changed to include the managed one. */
  readonly includers: string;
  /** Whether ssh reads the person's file by default; otherwise it needs `-F`. */
  readonly personIsDefault: boolean;
}

export interface ConfigMachine extends Pick<Machine, "platform" | "home"> {
  /** ssh's `~`: the home directory in the user database, which $HOME does not change. */
  readonly accountHome: string;
}

/** @param configured `remote.SSH.configFile` or the value of `--file`: absolute, or below `~`; empty counts as none */
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
 * The argument of the Include line: below `~` if the person's file is the one in their home, so that it works on every machine
 * that the file is copied to; otherwise absolute, and also on Windows, where readers disagree on `~`.
 */
export function includeArgument(paths: SshConfigPaths, platform: NodeJS.Platform): string {
  if (paths.personIsDefault && platform !== "win32") return "~/.ssh/sallyport/config";
  const plain = platform === "win32" ? paths.config.replaceAll("\\", "/") : escapeGlob(paths.config);
  return /^[A-Za-z0-9_@%+=:,./~-]+$/.test(plain) ? plain : `"${plain.replaceAll('"', '\\"')}"`;
}

/** Other spellings of the same path in an Include line: relative paths start in `~/.ssh` (ssh_config(5)). */
export function includeSpellings(paths: SshConfigPaths): string[] {
  const inHome = paths.personIsDefault ? ["~/.ssh/sallyport/config", "sallyport/config"] : [];
  return [paths.config, paths.config.replaceAll("\\", "/"), ...inHome];
}

/** All spellings, for any of a person's files. */
export function allIncludeSpellings(paths: SshConfigPaths): string[] {
  return includeSpellings({ ...paths, personIsDefault: true });
}

/** An Include takes a glob(3) pattern (ssh_config(5)). Backslashes are halved twice, by ssh's splitting and by glob(3). */
function escapeGlob(path: string): string {
  return path.replaceAll("\\", "\\\\\\\\").replace(/[[\]*?]/g, "\\$&");
}

function samePath(a: string, b: string, platform: NodeJS.Platform): boolean {
  return platform === "win32" ? a.toLowerCase() === b.toLowerCase() : a === b;
}
