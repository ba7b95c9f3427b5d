// Node connects to sockets by paths that are UTF-8 alone, and a path need not be: such a one is reached by a symbolic link with a
// plain name.

import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, isEncodable } from "../../../protocol/values/byte-text.ts";

export interface PlainPath {
  /** Leads to the same. */
  readonly path: string;
  /** To be called once what is there is open: the path is no good any more. */
  release(): void;
}

/** @param path absolute @throws Error: there is no place for the link */
export function plainPath(path: string): PlainPath {
  if (isEncodable(path)) return { path, release() {} };
  const directory = mkdtempSync(join(tmpdir(), "sallyport-"));
  const release = () => rmSync(directory, { recursive: true, force: true });
  try {
    const link = join(directory, "p");
    symlinkSync(bytesOf(path), link);
    return { path: link, release };
  } catch (error) {
    release();
    throw error;
  }
}
