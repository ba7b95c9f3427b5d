// Paths from the client, as bytes: makes them absolute, and resolves them as sftp-server does for REALPATH.

import type { Stats } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { errorCode } from "../../../platform/error-code.ts";
import { StatusError } from "../status.ts";
import { MAX_PATH_BYTES, STATUS } from "../wire.ts";

const slash = Buffer.from("/");
const SLASH = 0x2f;
/** As many links as Linux follows. */
const MAX_LINKS = 40;

/** Relative paths start at `base`. An empty path stays empty: the system then answers that there is no such file. */
export function absolutePath(base: Buffer, path: Buffer): Buffer {
  if (path.length === 0 || path[0] === SLASH) return path;
  return joinPath(base, path);
}

export function joinPath(directory: Buffer, name: Buffer): Buffer {
  return directory.at(-1) === SLASH
    ? Buffer.concat([directory, name])
    : Buffer.concat([directory, slash, name]);
}

/**
 * The canonical form of an absolute path: no links, no `.` or `..`. Only the last part may be missing.
 * realpath(3) cannot be used: it wants the last part to exist.
 */
export async function realPath(path: Buffer): Promise<Buffer> {
  if (path.length >= MAX_PATH_BYTES) throw new StatusError(STATUS.badMessage, "Name too long");
  const pending = split(path).reverse();
  let resolved: Buffer[] = [];
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    const text = part.length <= 2 ? part.toString("latin1") : "";
    if (part.length === 0 || text === ".") continue;
    if (text === "..") {
      resolved.pop();
      continue;
    }
    const stats = await lstatUnlessMissing(join([...resolved, part]), pending.length === 0);
    if (stats?.isSymbolicLink() !== true) {
      resolved.push(part);
      continue;
    }
    if (++links > MAX_LINKS) throw new StatusError(STATUS.noSuchFile, "Too many levels of symbolic links");
    const target = await readlink(join([...resolved, part]), { encoding: "buffer" });
    if (target[0] === SLASH) resolved = [];
    pending.push(...split(target).reverse());
  }
  return join(resolved);
}

async function lstatUnlessMissing(path: Buffer, mayBeMissing: boolean): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (mayBeMissing && errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function split(path: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = path.indexOf(SLASH); end !== -1; end = path.indexOf(SLASH, start)) {
    if (end > start) parts.push(path.subarray(start, end));
    start = end + 1;
  }
  parts.push(path.subarray(start));
  return parts;
}

function join(parts: readonly Buffer[]): Buffer {
  return parts.length === 0 ? slash : Buffer.concat(parts.flatMap((part) => [slash, part]));
}
