// Where a host keeps its identity if nobody says: below the home directory, or, in a container whose user has no home that can be
// written to, in a directory for temporary files.

import { accessSync, constants, lstatSync, mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { errorCode } from "../platform/error-code.ts";
import { type Machine, stateDirectory } from "../platform/paths.ts";

export interface StateDirectory {
  readonly path: string;
  /** A sentence for the log, if it is not the usual one. */
  readonly warning: string | undefined;
}

/** What says that a directory cannot be made or written to here, rather than that something is wrong with it. */
const NOT_HERE: ReadonlySet<string | undefined> = new Set(["EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR"]);

/**
 * The usual directory where it can be written to, else the first of `places` that can. It may not exist yet.
 * @param places directories that are made if their parents exist
 */
export function hostStateDirectory(
  machine: Machine,
  places: readonly string[] = temporaryPlaces(machine.env),
): StateDirectory {
  const usual = join(stateDirectory(machine), "host");
  const problem = unusable(usual);
  if (problem === undefined || machine.platform === "win32") return { path: usual, warning: undefined };
  const path = places.find(isPrivate);
  // Whoever opens the usual one gets the error.
  if (path === undefined) return { path: usual, warning: undefined };
  const warning = `${usual} cannot be written to (${problem}), so this workspace's identity is in ${path}: keep a directory in a volume and name it with --state, or the workspace is a new one when that is gone`;
  return { path: join(path, "host"), warning };
}

/** The error code that keeps the directory from being made or written to; undefined: it can be, or something else is wrong. */
function unusable(path: string): string | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    return NOT_HERE.has(code) ? code : undefined;
  }
}

function temporaryPlaces(env: Machine["env"]): string[] {
  const own = `sallyport-${process.getuid?.() ?? 0}`;
  const runtime = env.XDG_RUNTIME_DIR;
  const parents = [env.TMPDIR, "/var/tmp", "/tmp", "/dev/shm"];
  return [
    ...(runtime !== undefined && isAbsolute(runtime) ? [join(runtime, "sallyport")] : []),
    ...parents.flatMap((path) => (path !== undefined && isAbsolute(path) ? [join(path, own)] : [])),
  ];
}

/** Makes it. Others may have been first in a directory that all can write to, with a link or a directory of theirs. */
function isPrivate(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") return false;
  }
  try {
    const stat = lstatSync(path);
    accessSync(path, constants.W_OK);
    return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0;
  } catch {
    return false;
  }
}
