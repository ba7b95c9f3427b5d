// The folder in a workspace that editors open unless the person chose one. The host names it.

import { ProtocolError } from "../errors.ts";

declare const brand: unique symbol;
/**
 * An absolute path on the workspace's system, `/home/me/project` or `C:\Users\me`, without control characters and without
 * characters that reorder or hide text. The two joiners are allowed: Persian and Indian languages need them.
 */
export type Folder = string & { readonly [brand]: "Folder" };

/** Linux's PATH_MAX, the largest among the systems that hosts run on. */
export const MAX_FOLDER = 4096;
/** For schemas, which compile patterns with the `u` flag. */
export const FOLDER_PATTERN = "^(?:/|[A-Za-z]:[\\\\/])(?:[\\u200c\\u200d]|[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}])*$";
const folderRegExp = new RegExp(FOLDER_PATTERN, "u");

/** @throws ProtocolError `bad_request` with field `folder` */
export function parseFolder(value: unknown): Folder {
  if (typeof value !== "string" || value.length > MAX_FOLDER) {
    throw bad(`A folder must be a path of at most ${MAX_FOLDER} characters.`);
  }
  if (!/^(\/|[A-Za-z]:[\\/])/.test(value)) {
    throw bad("A folder must be an absolute path, such as /home/me/project.");
  }
  if (!folderRegExp.test(value)) throw bad("A folder's path contains no control characters.");
  return value as Folder;
}

/** Returns undefined instead of throwing, for values from others or from an earlier version's store. */
export function folderOf(value: unknown): Folder | undefined {
  try {
    return parseFolder(value);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function bad(message: string): ProtocolError {
  return new ProtocolError("bad_request", message, { field: "folder" });
}
