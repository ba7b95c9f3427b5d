// Reads a person's own SSH config with few assumptions, and replaces it so that its mode, owner and links stay the same. The
// thin layer of effects around include-plan.ts.

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import fsPromises from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CommandError } from "../../../platform/command-error.ts";
import { systemCode } from "../../../platform/files/private-file.ts";
import { MAX_CONFIG_BYTES } from "./include-plan.ts";

/** The functions of node:fs/promises that are used; a test can make any of them fail. */
export type FileSystem = Pick<
  typeof fsPromises,
  | "access"
  | "chmod"
  | "chown"
  | "lstat"
  | "mkdir"
  | "open"
  | "readFile"
  | "readlink"
  | "realpath"
  | "rename"
  | "rm"
  | "stat"
>;

export const REAL_FILE_SYSTEM: FileSystem = fsPromises;

export interface PersonConfig {
  /** undefined: there is no such file. */
  readonly bytes: Buffer | undefined;
  /** The path of the file itself, behind all links. */
  readonly target: string;
  /** Why the file cannot be written; undefined: it can. */
  readonly readOnly: string | undefined;
}

/** The most symbolic links to follow, like the kernel's limit (ELOOP). */
const MAX_LINKS = 40;

/** @throws CommandError stage `file`: the path is not a regular file, or cannot be read */
export async function readPersonConfig(path: string, fs = REAL_FILE_SYSTEM): Promise<PersonConfig> {
  const target = await followLinks(path, fs);
  let bytes: Buffer;
  let mode: number;
  try {
    const stat = await fs.stat(target);
    // Reading a pipe might never end.
    if (!stat.isFile()) throw new CommandError("file", "not_a_file", `${path} is not a file.`);
    if (stat.size > MAX_CONFIG_BYTES) {
      throw new CommandError(
        "file",
        "too_large",
        `${path} is larger than 4 MiB, which no SSH configuration is.`,
      );
    }
    mode = stat.mode;
    bytes = await fs.readFile(target);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (systemCode(error) !== "ENOENT") throw failed("read", path, error);
    return { bytes: undefined, target, readOnly: await whyNotMade(target, path, fs) };
  }
  return { bytes, target, readOnly: await whyNotWritten(target, mode, path, fs) };
}

/**
 * Replaces `before` by `after`: atomically by a rename, or in place if that would break a hard link or lose the owner, or is not
 * possible (the file itself is a mount, or others own its directory); then with a backup beside Sallyport's own files.
 * Returns false, and writes nothing, if the file is no longer `before`.
 * @throws CommandError stage `file`; the old bytes are still there
 */
export async function replacePersonConfig(
  target: string,
  before: Buffer | undefined,
  after: Buffer | undefined,
  backup: string,
  fs = REAL_FILE_SYSTEM,
): Promise<boolean> {
  if (!(await holds(target, before, fs))) return false;
  if (after === undefined) {
    await fs.rm(target, { force: true }).catch((error: unknown) => {
      throw failed("remove", target, error);
    });
    return true;
  }
  if (before === undefined) await makeDirectory(dirname(target), fs);
  const stat = before === undefined ? undefined : await fs.stat(target);
  if (stat !== undefined && stat.nlink > 1) return await writeInPlace(target, before, after, backup, fs);
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await writeWhole(temporary, after, "wx", fs);
    if (stat !== undefined) {
      const own = await fs.stat(temporary);
      // Before the mode, because a change of owner clears the set-id bits.
      if (own.uid !== stat.uid || own.gid !== stat.gid) await fs.chown(temporary, stat.uid, stat.gid);
      await fs.chmod(temporary, stat.mode & 0o7777);
    }
    const unchanged = await holds(target, before, fs);
    if (unchanged) await fs.rename(temporary, target);
    else await fs.rm(temporary, { force: true });
    return unchanged;
  } catch (error) {
    await fs.rm(temporary, { force: true });
    if (before === undefined) throw failed("write", target, error);
    return await writeInPlace(target, before, after, backup, fs);
  }
}

async function writeInPlace(
  target: string,
  before: Buffer | undefined,
  after: Buffer,
  backup: string,
  fs: FileSystem,
): Promise<boolean> {
  try {
    if (before !== undefined) await writeWhole(backup, before, "w", fs);
    if (!(await holds(target, before, fs))) return false;
    await writeWhole(target, after, "r+", fs);
  } catch (error) {
    // After half a write the old bytes are restored. If that fails too, the message says where they are.
    const intact = await holds(target, before, fs);
    if (!intact && before !== undefined) {
      await writeWhole(target, before, "r+", fs).catch((cause: unknown) => {
        const message = `${target} is damaged (${systemCode(cause)}): its content is in ${backup}.`;
        throw new CommandError("file", "damaged", message, { cause });
      });
    }
    await fs.rm(backup, { force: true });
    throw failed("write", target, error);
  }
  await fs.rm(backup, { force: true });
  return true;
}

async function writeWhole(path: string, bytes: Buffer, flags: string, fs: FileSystem): Promise<void> {
  const file = await fs.open(path, flags, 0o600);
  try {
    await file.writeFile(bytes);
    await file.truncate(bytes.length);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function holds(target: string, bytes: Buffer | undefined, fs: FileSystem): Promise<boolean> {
  try {
    const now = await fs.readFile(target);
    return bytes?.equals(now) === true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return bytes === undefined;
    throw failed("read", target, error);
  }
}

/** The last path of a chain of links, even if it does not exist: writing makes the target of a dangling link. */
async function followLinks(path: string, fs: FileSystem): Promise<string> {
  let at = resolve(path);
  for (let links = 0; links < MAX_LINKS; links++) {
    let next: string;
    try {
      if (!(await fs.lstat(at)).isSymbolicLink()) return at;
      next = await fs.readlink(at);
      // A relative link starts at the real path of its directory.
      next = resolve(await fs.realpath(dirname(at)), next);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return at;
      throw failed("read", path, error);
    }
    at = next;
  }
  throw new CommandError("file", "ELOOP", `Cannot read ${path}: its symbolic links lead in a circle.`);
}

async function whyNotWritten(
  target: string,
  mode: number,
  path: string,
  fs: FileSystem,
): Promise<string | undefined> {
  // Root may write every file, but a mode without the bit says what the owner wants.
  if ((mode & 0o200) === 0) return `${path} is read-only.`;
  return await noAccess(target, path, fs);
}

async function whyNotMade(target: string, path: string, fs: FileSystem): Promise<string | undefined> {
  const directory = dirname(target);
  try {
    await fs.stat(directory);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw failed("read", path, error);
    if (basename(directory) === ".ssh") return await noAccess(dirname(directory), path, fs);
    return `${path} cannot be made: there is no directory ${directory}.`;
  }
  return await noAccess(directory, path, fs);
}

async function noAccess(where: string, path: string, fs: FileSystem): Promise<string | undefined> {
  try {
    await fs.access(where, constants.W_OK);
    return undefined;
  } catch (error) {
    return `${path} cannot be written (${systemCode(error)}).`;
  }
}

async function makeDirectory(directory: string, fs: FileSystem): Promise<void> {
  try {
    await fs.mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw failed("make", directory, error);
  }
}

function failed(what: string, path: string, cause: unknown): CommandError {
  return new CommandError("file", systemCode(cause), `Cannot ${what} ${path} (${systemCode(cause)}).`, {
    cause,
  });
}
