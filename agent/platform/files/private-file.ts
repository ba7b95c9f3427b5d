// Small files that only their owner may read: written whole and atomically, and refused if others could have read or changed
// them. On Windows the access list of the profile directory protects them, so modes are not checked.

import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { quoteForShell } from "../../../protocol/values/shell-word.ts";
import { CommandError } from "../command-error.ts";
import { errorCode } from "../error-code.ts";
import { writeWholeFile } from "./whole-file.ts";

const MAX_BYTES = 1024 * 1024;

/**
 * The file's text; undefined if it does not exist.
 * @throws CommandError stage `file`: others own the file or could read it (with the command that mends this), or it cannot be
 * read
 */
export function readPrivateFile(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw unreadable(path, error);
  }
  try {
    refuseForeign(dirname(path), statSync(dirname(path)), "700");
    const stat = fstatSync(descriptor);
    refuseForeign(path, stat, "600");
    if (stat.size > MAX_BYTES)
      throw new CommandError("file", "EFBIG", `${path} is too large to be Sallyport's.`);
    return readFileSync(descriptor, "utf8");
  } catch (error) {
    throw error instanceof CommandError ? error : unreadable(path, error);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Replaces the file: 0600, or 0700 for a program. Makes its directory, 0700. A reader sees either the old bytes or the new.
 * @throws CommandError stage `file`
 */
export function writePrivateFile(path: string, content: string, mode: 0o600 | 0o700 = 0o600): void {
  try {
    makePrivateDirectory(dirname(path));
    writeWholeFile(path, content, mode);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError("file", systemCode(error), `Cannot write ${path}: ${reason(error)}.`, {
      cause: error,
    });
  }
}

/** Makes the directory, 0700, or refuses an existing one that others can enter. */
export function makePrivateDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  refuseForeign(directory, statSync(directory), "700");
}

/** Removes the file, if there is one. */
export function removePrivateFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw new CommandError("file", systemCode(error), `Cannot remove ${path}: ${reason(error)}.`, {
      cause: error,
    });
  }
}

function refuseForeign(path: string, stat: { uid: number; mode: number }, mode: "600" | "700"): void {
  if (process.getuid === undefined) return;
  if (stat.uid !== process.getuid()) {
    throw new CommandError(
      "file",
      "foreign_owner",
      `${path} belongs to another user (uid ${stat.uid}), so it is not used: run \`chown ${process.getuid()} ${quoteForShell(path)}\`.`,
    );
  }
  if ((stat.mode & 0o077) !== 0) {
    throw new CommandError(
      "file",
      "loose_mode",
      `${path} is open to other users, so it is not used: run \`chmod ${mode} ${quoteForShell(path)}\`.`,
    );
  }
}

function unreadable(path: string, error: unknown): CommandError {
  return new CommandError("file", systemCode(error), `Cannot read ${path}: ${reason(error)}.`, {
    cause: error,
  });
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a system error, such as ENOENT; `EUNKNOWN` for any other error. */
export function systemCode(error: unknown): string {
  return errorCode(error) ?? "EUNKNOWN";
}
