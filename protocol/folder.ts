// The folder of a workspace that editors open when nobody has said another one, as its host names it.

import { ProtocolError } from "./errors.ts";

declare const brand: unique symbol;
/** An absolute path of the workspace's own system, `/home/me/project` or `C:\Users\me`, without control characters. */
export type Folder = string & { readonly [brand]: "Folder" };

/** Linux's PATH_MAX, which is the largest of the systems that hosts run on. */
export const MAX_FOLDER = 4096;

/** @throws ProtocolError `bad_request` with field `folder` */
export function parseFolder(value: unknown): Folder {
  if (typeof value !== "string" || value.length > MAX_FOLDER) {
    throw bad(`A folder is a path of at most ${MAX_FOLDER} characters.`);
  }
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)) throw bad("A folder's path has no control characters in it.");
  if (!/^(\/|[A-Za-z]:[\\/])/.test(value)) {
    throw bad("A folder is given by its absolute path, such as /home/me/project.");
  }
  return value as Folder;
}

function bad(message: string): ProtocolError {
  return new ProtocolError("bad_request", message, { field: "folder" });
}
