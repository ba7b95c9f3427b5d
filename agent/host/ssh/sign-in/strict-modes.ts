// Who else could put a key into an authorized_keys file: the checks of sshd's StrictModes (sshd_config(5), safe_path in its
// misc.c), for the file and for each directory above it, up to the home directory or the root.

import type { Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { systemCode } from "../../../platform/files/private-file.ts";
import { thisMachine } from "../../../platform/paths.ts";

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

interface StrictModesOptions {
  /** The user who may own them, besides root; undefined: the system has no user ids. */
  readonly uid?: number | undefined;
  /** The last directory that is checked: a user who controls one above it controls all of this person's files anyway. */
  readonly home?: string;
}

/** A sentence that says what is wrong and how to repair it; undefined: only the user and root could have written the file. */
export async function looseModes(
  path: string,
  file: Pick<Stats, "uid" | "mode">,
  options: StrictModesOptions = {},
): Promise<string | undefined> {
  const { uid = process.getuid?.() } = options;
  if (uid === undefined) return undefined;
  if (!isOwn(file, uid)) {
    return `It belongs to user ${file.uid}, who can write to it: its keys are not used. Run \`chown ${uid}\` on it.`;
  }
  if ((file.mode & WRITABLE_BY_OTHERS) !== 0) {
    return "Others may write to it: its keys are not used. Run `chmod go-w` on it.";
  }
  for (const directory of await directoriesAbove(path, options.home ?? ownHome())) {
    const { uid: owner, mode } = await stat(directory);
    if (!isOwn({ uid: owner }, uid)) {
      return `${directory} belongs to user ${owner}, who can replace the file: its keys are not used.`;
    }
    // In a sticky directory users replace only their own files. sshd refuses these as well, but mounted secrets are such.
    if ((mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0) {
      return `Others may write to ${directory}, so they can replace the file: its keys are not used. Run \`chmod go-w\` on that directory.`;
    }
  }
  return undefined;
}

/**
 * A text that differs once the owner or the mode of a directory above the file has changed; empty where the system has no
 * user ids.
 */
export async function modesAbove(path: string, home: string = ownHome()): Promise<string> {
  if (process.getuid === undefined) return "";
  try {
    const states = [];
    for (const directory of await directoriesAbove(path, home)) {
      const { uid, mode } = await stat(directory);
      states.push(`${directory}:${uid}:${mode}`);
    }
    return states.join();
  } catch (error) {
    return systemCode(error);
  }
}

/** Those above the file that `path` leads to through all symbolic links; nearest first. @throws what realpath throws */
async function directoriesAbove(path: string, home: string): Promise<string[]> {
  const end = await realpath(home).catch(() => undefined);
  const directories: string[] = [];
  for (let at = dirname(await realpath(path)); ; at = dirname(at)) {
    directories.push(at);
    if (at === end || at === dirname(at)) return directories;
  }
}

function ownHome(): string {
  return thisMachine(process.env, homedir).home;
}

function isOwn({ uid: owner }: Pick<Stats, "uid">, uid: number): boolean {
  return owner === uid || owner === 0;
}
