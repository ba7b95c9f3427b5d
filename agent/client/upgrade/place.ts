// Whether a directory may be upgraded in: it belongs to who upgrades, and nobody else could have put something there or could
// exchange what is put there. On Windows access lists protect directories, so modes are not checked.

import { lstatSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { quoteForShell } from "../../../protocol/values/shell-word.ts";
import { CommandError } from "../../platform/command-error.ts";

interface Facts {
  readonly uid: number;
  readonly mode: number;
}

/**
 * @param program the file or link that is replaced, absolute
 * @param user undefined: this system has no user ids
 * @throws CommandError stage `file`, code `foreign_owner` or `loose_mode`
 */
export function checkProgram(program: string, user: number | undefined = process.getuid?.()): void {
  checkDirectory(dirname(program), user);
  checkOwner(program, user);
}

/** The same for a directory in which files are replaced. */
export function checkDirectory(directory: string, user: number | undefined = process.getuid?.()): void {
  if (user === undefined) return;
  checkOwner(directory, user);
  const path = user === 0 ? looseForRoot(directory) : looseForAll(directory);
  if (path === undefined) return;
  throw new CommandError(
    "file",
    "loose_mode",
    `Others can write to ${path}, so nothing is upgraded there: run \`chmod go-w ${quoteForShell(path)}\`.`,
  );
}

/**
 * What somebody else than root could exchange on the way to a program that root runs; undefined: nothing.
 * @param program absolute
 */
export function exposedForRoot(program: string): string | undefined {
  if (process.getuid === undefined) return undefined;
  const file = realpathSync(program);
  if (isLoose(statSync(file))) return file;
  return looseForRoot(dirname(program)) ?? looseForRoot(dirname(file));
}

function checkOwner(path: string, user: number | undefined): void {
  const { uid } = lstatSync(path);
  if (user === undefined || uid === user) return;
  const advice = user === 0 ? "run it as that user, not as root" : "run it as that user";
  throw new CommandError(
    "file",
    "foreign_owner",
    `${path} belongs to another user (uid ${uid}), so it is not upgraded: ${advice}.`,
  );
}

/** A group may be the person's own; everybody may not. */
function looseForAll(directory: string): string | undefined {
  return (statSync(directory).mode & 0o002) === 0 ? undefined : directory;
}

/** What root runs is worth an attack: nobody else may be able to exchange the directory or one above it. */
function looseForRoot(directory: string): string | undefined {
  if (isLoose(statSync(directory))) return directory;
  for (let below = directory; dirname(below) !== below; below = dirname(below)) {
    const facts = statSync(dirname(below));
    // In a sticky directory, as /tmp, nobody can exchange what belongs to root.
    if (isLoose(facts) && !(facts.uid === 0 && (facts.mode & 0o1000) !== 0)) return dirname(below);
  }
  return undefined;
}

function isLoose({ uid, mode }: Facts): boolean {
  return uid !== 0 || (mode & 0o022) !== 0;
}
