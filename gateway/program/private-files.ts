// Files that prove this gateway's identity, or decide who may come in. They are read only if no other user can read or change
// them, as sshd(8) and PostgreSQL do. Windows has access lists instead of modes, so nothing is checked there.

import { statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { quoteForShell } from "../../protocol/values/shell-word.ts";
import { reasonOf, StartError } from "./start-error.ts";

/** Who else may read a file, besides the user that the gateway runs as. */
export type OpenTo =
  /** Nobody: for a key that the gateway has made. */
  | "nobody"
  /** A group, if the file belongs to root: certificate tools (group `ssl-cert`) and mounted secrets do so. */
  | "group of root"
  /** Anybody may read it, but nobody change it: for a list of public keys. */
  | "readers";

export interface FileFacts {
  readonly uid: number;
  readonly mode: number;
}

/**
 * Returns what is wrong with a file's owner or mode, and the command that mends it; undefined if nothing is.
 * @param self the user that the gateway runs as
 */
export function looseness(
  path: string,
  { uid, mode }: FileFacts,
  openTo: OpenTo,
  self: number,
): string | undefined {
  if (uid !== self && uid !== 0) {
    // A gateway has a user of its own, and loses its files if root takes them.
    return self === 0
      ? `${path} belongs to another user (uid ${uid}): run this command as that user, with \`sudo -u '#${uid}'\` before it.`
      : `${path} belongs to another user (uid ${uid}): run \`chown ${self} ${quoteForShell(path)}\`.`;
  }
  if (openTo === "readers") {
    return (mode & 0o022) === 0
      ? undefined
      : `${path} can be changed by other users: run \`chmod go-w ${quoteForShell(path)}\`.`;
  }
  const forbidden = openTo === "group of root" && uid === 0 ? 0o037 : 0o077;
  return (mode & forbidden) === 0
    ? undefined
    : `${path} is open to other users: run \`chmod ${forbidden === 0o037 ? "640" : "600"} ${quoteForShell(path)}\`.`;
}

/** @throws StartError stage `file`: other users can change `path`, or what lies in it */
export function refuseLoose(path: string, openTo: OpenTo, what: string): void {
  const self = process.getuid?.();
  const problem = self === undefined ? undefined : looseness(path, statSync(path), openTo, self);
  if (problem !== undefined) throw new StartError("file", `${what} is not used: ${problem}`);
}

/** @throws StartError stage `stage`: the file cannot be read, or other users can read or change it */
export async function readGuardedFile(
  path: string,
  openTo: OpenTo,
  { stage, what }: { readonly stage: StartError["stage"]; readonly what: string },
): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    // The open file is checked: its name may belong to a different one by now.
    const problem =
      process.getuid === undefined ? undefined : looseness(path, await file.stat(), openTo, process.getuid());
    if (problem !== undefined) throw new StartError(stage, `${what} is not used: ${problem}`);
    return await file.readFile("utf8");
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(stage, `${what} ${path} can't be read (${reasonOf(error)}).`, error);
  } finally {
    await file?.close();
  }
}
