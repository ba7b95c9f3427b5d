// Files that decide who may pass for this gateway, or come in: read only where nobody else could have read or changed them,
// as sshd(8) and PostgreSQL do. On Windows access lists do this work, so modes are not looked at.

import { statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { quoteForShell } from "../../protocol/values/shell-word.ts";
import { reasonOf, StartError } from "./start-error.ts";

/** Whom a file may be open to besides the user that the gateway runs as. */
export type OpenTo =
  /** Nobody: a key that the gateway has made. */
  | "nobody"
  /** A group may read what belongs to root, as certificate tools (group `ssl-cert`) and mounted secrets have it. */
  | "group of root"
  /** Anybody may read it, and nobody change it: a list of public keys. */
  | "readers";

export interface FileFacts {
  readonly uid: number;
  readonly mode: number;
}

/**
 * What is wrong with a file's owner or mode, with the command that mends it; undefined: nothing.
 * @param self the user that the gateway runs as
 */
export function looseness(
  path: string,
  { uid, mode }: FileFacts,
  openTo: OpenTo,
  self: number,
): string | undefined {
  if (uid !== self && uid !== 0) {
    return `${path} belongs to another user (uid ${uid}): run \`chown ${self} ${quoteForShell(path)}\`.`;
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

/** @throws StartError stage `file`: others could have changed `path` itself, or what lies in it */
export function refuseLoose(path: string, openTo: OpenTo, what: string): void {
  const self = process.getuid?.();
  const problem = self === undefined ? undefined : looseness(path, statSync(path), openTo, self);
  if (problem !== undefined) throw new StartError("file", `${what} is not used: ${problem}`);
}

/** @throws StartError stage `stage`: it cannot be read, or others could have read or changed it */
export async function readGuardedFile(
  path: string,
  openTo: OpenTo,
  { stage, what }: { readonly stage: StartError["stage"]; readonly what: string },
): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    // Of the file that is open: what has its name may be a different one by now.
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
