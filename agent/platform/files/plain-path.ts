// Node can connect only to sockets whose path is UTF-8, which a path need not be. A symbolic link with a plain name leads to
// the others.

import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, isEncodable } from "../../../protocol/values/byte-text.ts";

export interface PlainPath {
  /** Leads to the same file. */
  readonly path: string;
  /** Call this once the file is open; the path is invalid afterwards. */
  release(): void;
}

/** @param path absolute @throws Error: the link cannot be made */
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
