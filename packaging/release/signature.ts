// The last step: digests of all files, once for people (`sha256sum -c`) and once as the signed manifest that programs believe.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  formatManifest,
  MANIFEST_FILE,
  type ReleaseFile,
  SIGNATURE_FILE,
} from "../../protocol/release/manifest.ts";
import { signManifest } from "../../protocol/release/signature.ts";
import type { Release } from "./release.ts";

const SUMS_FILE = "SHA256SUMS";

export async function signatureStep({ directory, version, key, say }: Release): Promise<void> {
  const files: ReleaseFile[] = [];
  for (const name of (await readdir(directory)).sort()) files.push(await describe(directory, name));
  const sums = files.map(({ name, sha256 }) => `${sha256}  ${name}\n`);
  await writeFile(join(directory, SUMS_FILE), sums.join(""));
  const manifest = Buffer.from(formatManifest({ version, files }));
  await writeFile(join(directory, MANIFEST_FILE), manifest);
  await writeFile(join(directory, SIGNATURE_FILE), signManifest(manifest, key));
  const size = files.reduce((sum, file) => sum + file.size, 0);
  say(`${directory}: Sallyport ${version}, ${files.length} files, ${Math.round(size / 1e6)} MB`);
}

async function describe(directory: string, name: string): Promise<ReleaseFile> {
  const path = join(directory, name);
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part);
  return { name, size: (await stat(path)).size, sha256: hash.digest("hex") };
}
