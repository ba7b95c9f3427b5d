// The folder of a workspace that editors open when nobody has said another one, as its host names it.

import { ProtocolError } from "../errors.ts";

declare const brand: unique symbol;
/**
 * An absolute path of the workspace's own system, `/home/me/project` or `C:\Users\me`, without control characters and
 * without those that reorder or hide text. The two joiners stay: words of Persian and of India's languages need them.
 */
export type Folder = string & { readonly [brand]: "Folder" };

/** Linux's PATH_MAX, which is the largest of the systems that hosts run on. */
export const MAX_FOLDER = 4096;
/** For schemas: they compile patterns with the `u` flag. */
export const FOLDER_PATTERN = "^(?:/|[A-Za-z]:[\\\\/])(?:[\\u200c\\u200d]|[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}])*$";
const folderRegExp = new RegExp(FOLDER_PATTERN, "u");

/** @throws ProtocolError `bad_request` with field `folder` */
export function parseFolder(value: unknown): Folder {
  if (typeof value !== "string" || value.length > MAX_FOLDER) {
    throw bad(`A folder is a path of at most ${MAX_FOLDER} characters.`);
  }
  if (!/^(\/|[A-Za-z]:[\\/])/.test(value)) {
    throw bad("A folder is given by its absolute path, such as /home/me/project.");
  }
  if (!folderRegExp.test(value)) throw bad("A folder's path has no control characters in it.");
  return value as Folder;
}

/** undefined where it is none: for what somebody else has sent, or an earlier version has stored. */
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
