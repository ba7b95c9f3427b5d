// A zip's files, and their unpacking, by another library than the one that wrote them.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import yauzl from "yauzl";

/** By their paths; with `directory`, written there too. */
export async function readZip(path: string, directory?: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const zip = await yauzl.openPromise(path);
  for await (const entry of zip.eachEntry()) {
    const contents = await buffer(await zip.openReadStreamPromise(entry));
    files.set(entry.fileName, contents);
    if (directory === undefined) continue;
    const target = join(directory, entry.fileName);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, contents);
  }
  return files;
}
