// What goes into a support bundle: a few named texts, each without tokens and without the person's home directory.
// Nothing else gets in. Pure except for reading the files.

import { readFileSync, statSync } from "node:fs";
import { redactSecrets } from "../../../protocol/values/token.ts";
import type { ZipEntry } from "./zip.ts";

interface BundleSources {
  /** File names in the bundle, and the paths of the files. Missing files are left out. */
  readonly files: Readonly<Record<string, string>>;
  /** File names in the bundle, and their texts. */
  readonly texts: Readonly<Record<string, string>>;
  /** The person's home directory, which is replaced with `~`. */
  readonly home: string;
}

/** Only the end of a longer file is taken: in a log it is the part that matters. */
const MAX_FILE_BYTES = 2 * 1024 * 1024;

export function supportBundle({ files, texts, home }: BundleSources): ZipEntry[] {
  const entries: ZipEntry[] = [];
  for (const [name, text] of Object.entries(texts)) entries.push({ name, content: clean(text, home) });
  for (const [name, path] of Object.entries(files)) {
    const text = readEnd(path);
    if (text !== undefined) entries.push({ name, content: clean(text, home) });
  }
  return entries;
}

/** Removes private keys, tokens, ids of workspaces and the home directory's name. */
function clean(text: string, home: string): Buffer {
  const named = home.length < 2 ? text : text.replaceAll(home, "~");
  const keys = named.replace(
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    "…",
  );
  // The id of a workspace without an account opens it.
  const ids = keys.replace(/\bws_[a-z2-7]{26}\b/g, (id) => `${id.slice(0, 7)}…`);
  return Buffer.from(redactSecrets(ids), "utf8");
}

function readEnd(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return undefined;
    const content = readFileSync(path);
    return content.subarray(Math.max(0, content.length - MAX_FILE_BYTES)).toString("utf8");
  } catch {
    // Missing or unreadable: the bundle is made from the other files.
    return undefined;
  }
}
