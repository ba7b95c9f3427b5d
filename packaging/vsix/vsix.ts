// The VSIX: a zip of what contents.ts names. The same sources give the same bytes.

import { createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import yazl from "yazl";
import { ROOT } from "../../scripts/repository.ts";
import { collectFiles } from "./contents.ts";
import { readManifest } from "./manifest.ts";
import { contentTypes, vsixManifest } from "./vsix-manifest.ts";

/** The oldest time that a zip can say: the files' own times differ from one clone to the next. */
const MTIME = new Date(1980, 0, 1);

/**
 * Writes the VSIX, and returns its size in bytes.
 * @param built the directory that esbuild.mjs has built
 * @param version instead of package.json's
 * @throws Error that names a missing file
 */
export async function writeVsix(path: string, built = join(ROOT, "dist"), version?: string): Promise<number> {
  const own = await readManifest();
  const manifest = { ...own, version: version ?? own.version };
  const files = await collectFiles(manifest, built);
  const zip = new yazl.ZipFile();
  const add = (name: string, contents: Buffer | string) => {
    // What node-pty starts on macOS; VS Code keeps a file's mode when it installs.
    const mode = name.endsWith("/spawn-helper") ? 0o100755 : 0o100644;
    zip.addBuffer(Buffer.from(contents), name, { mtime: MTIME, mode, compressionLevel: 9 });
  };
  add("extension.vsixmanifest", vsixManifest(manifest));
  add("[Content_Types].xml", contentTypes([...files.keys()]));
  for (const [name, contents] of files) add(`extension/${name}`, contents);
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
  return (await stat(path)).size;
}
