// Puts another version in the place of a program, so that at each moment one of the two can be started, whatever ends this
// process. The version before stays beside it as `sallyport.old`. Programs that run keep their file: only its name goes away.

import { randomBytes } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { errorCode } from "../../platform/error-code.ts";

/** A directory beside the program, on the same file system; emptied by the caller. */
type WorkDirectory = string;

/** Where the version before is. */
export function formerOf(program: string): string {
  return `${program}.old`;
}

/** @param newer a complete program in `work`, which is gone afterwards @throws system errors */
export function replaceFile(
  program: string,
  newer: string,
  work: WorkDirectory,
  platform: NodeJS.Platform = process.platform,
): void {
  if (platform === "win32") {
    replaceRunningFile(program, newer);
    return;
  }
  const kept = join(work, "former");
  linkOrCopy(program, kept);
  renameSync(kept, formerOf(program));
  renameSync(newer, program);
  flushNames(dirname(program));
}

/**
 * @param target absolute; the link is relative, so that it also leads there where its directory is mounted elsewhere
 * @throws system errors
 */
export function replaceLink(
  link: string,
  target: string,
  work: WorkDirectory,
  platform: NodeJS.Platform = process.platform,
): void {
  const next = join(work, "next");
  if (platform === "win32") {
    // A junction, which needs no privilege, unlike a link. Only what is empty can be replaced in one step there.
    symlinkSync(target, next, "junction");
    if (lstatSync(formerOf(link), { throwIfNoEntry: false }) !== undefined) unlinkSync(formerOf(link));
    exchange(link, next);
    return;
  }
  const kept = join(work, "former");
  symlinkSync(readlinkSync(link), kept);
  renameSync(kept, formerOf(link));
  symlinkSync(relative(dirname(link), target), next);
  renameSync(next, link);
  flushNames(dirname(link));
}

/** A second name for the file or link; a copy where there are no hard links. */
export function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!NO_LINKS.has(errorCode(error) ?? "")) throw error;
    copyFileSync(from, to);
  }
}

const NO_LINKS: ReadonlySet<string> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EMLINK",
  "ENOSYS",
  "EXDEV",
]);

/** Windows does not let a running program's file be overwritten or removed, but it can be renamed. */
function replaceRunningFile(program: string, newer: string): void {
  const former = formerOf(program);
  sweepFormer(program);
  // The version before may still run.
  if (existsSync(former)) renameSync(former, `${former}.${randomBytes(4).toString("hex")}`);
  exchange(program, newer);
}

/** In two steps, of which the first is taken back if the second fails. */
function exchange(path: string, newer: string): void {
  renameSync(path, formerOf(path));
  try {
    renameSync(newer, path);
  } catch (error) {
    renameSync(formerOf(path), path);
    throw error;
  }
}

function sweepFormer(program: string): void {
  const former = basename(formerOf(program));
  for (const name of readdirSync(dirname(program))) {
    if (!name.startsWith(former)) continue;
    try {
      rmSync(join(dirname(program), name), { force: true });
    } catch {
      // It still runs.
    }
  }
}

/** So that the new names survive a loss of power. */
function flushNames(directory: string): void {
  try {
    const descriptor = openSync(directory, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Some file systems cannot; the names themselves are right already.
  }
}
