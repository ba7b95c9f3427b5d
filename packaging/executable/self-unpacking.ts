// A program of several files as one file: a shell script with an archive behind it (self-unpacking.sh).

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../scripts/repository.ts";

/** @param archive .tar.gz with the program `sallyport` and its files */
export async function selfUnpacking(version: string, platform: string, archive: Uint8Array): Promise<Buffer> {
  const template = await readFile(join(ROOT, "packaging", "executable", "self-unpacking.sh"), "utf8");
  const script = template
    .replaceAll("@VERSION@", version)
    .replaceAll("@PLATFORM@", platform)
    .replaceAll("@DIGEST@", createHash("sha256").update(archive).digest("hex").slice(0, 16));
  // The number is as long as its placeholder, so that it does not move what it counts. tail(1) counts from 1.
  const placeholder = "@OFFSET@";
  const offset = String(Buffer.byteLength(script) + 1).padStart(placeholder.length, "0");
  return Buffer.concat([Buffer.from(script.replace(placeholder, offset)), archive]);
}
