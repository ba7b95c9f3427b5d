// Unpacks the archive of a release into a directory. Its digest is verified before; still, nothing but files with the names of a
// release is written, and no more than a release has.

import { closeSync, createReadStream, fchmodSync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { MAX_FILE_SIZE } from "../../../protocol/release/manifest.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { CommandError } from "../../platform/command-error.ts";
import { writing } from "./writing.ts";

const MAX_MEMBERS = 200;
const MEMBER = /^(?:(?:man|completions|conpty)\/)?[A-Za-z0-9_][A-Za-z0-9._+~-]{0,99}$/;

/**
 * @param archive a .tar.gz
 * @param directory empty
 * @throws CommandError stage `file`, code `bad_archive`; or the disk is full
 */
export async function unpack(archive: string, directory: string, signal: AbortSignal): Promise<void> {
  const gunzip = createGunzip();
  const reading = pipeline(createReadStream(archive), gunzip, { signal });
  try {
    const entries = Readable.toWeb(gunzip).pipeThrough(createTarDecoder({ strict: true }));
    let members = 0;
    let size = 0;
    for await (const entry of entries) {
      const { header } = entry;
      members++;
      size += header.size;
      if (members > MAX_MEMBERS || size > MAX_FILE_SIZE) throw bad("it holds too much");
      if (header.type === "directory") await entry.body.cancel();
      else await writeMember(entry, directory);
    }
    await reading;
  } catch (error) {
    // It fails for the same reason, or because nobody reads it any longer.
    reading.catch(() => {});
    gunzip.destroy();
    if (signal.aborted) throw signal.reason;
    if (error instanceof CommandError) throw error;
    throw bad(error instanceof Error ? error.message : String(error), error);
  }
}

async function writeMember({ header, body }: ParsedTarEntry, directory: string): Promise<void> {
  const { name, type = "file", mode = 0 } = header;
  if (type !== "file" || !MEMBER.test(name)) {
    throw bad(`it holds ${printable(name, 100)}, which no release has`);
  }
  const path = join(directory, name);
  const descriptor = writing(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "wx", 0o600);
  });
  try {
    let size = 0;
    for await (const part of body) {
      writing(path, () => {
        for (let at = 0; at < part.length; ) at += writeSync(descriptor, part, at);
      });
      size += part.length;
    }
    if (size !== header.size) throw bad("it ends too early");
    writing(path, () => {
      fsyncSync(descriptor);
      fchmodSync(descriptor, (mode & 0o100) === 0 ? 0o644 : 0o755);
    });
  } finally {
    closeSync(descriptor);
  }
}

function bad(why: string, cause?: unknown): CommandError {
  return new CommandError("file", "bad_archive", `The archive of the release is damaged: ${why}.`, { cause });
}
