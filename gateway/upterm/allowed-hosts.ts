// The keys that upterm hosts may register with (`--host-keys-allowed FILE`), in authorized_keys form. The
// file is read at the start, and again where it has changed when a host signs in.

import { stat } from "node:fs/promises";
import type { Logger } from "pino";
import { parseAuthorizedKeys } from "../../protocol/values/ssh-public-key.ts";
import { readGuardedFile } from "../program/private-files.ts";
import { reasonOf, StartError } from "../program/start-error.ts";

export interface AllowedHosts {
  /** `blob`: a public key's wire form. */
  isAllowed(blob: Buffer): Promise<boolean>;
}

/** @throws StartError stage `file`: a file that cannot be read would silently refuse every host */
export async function readAllowedHosts(path: string, log: Logger): Promise<AllowedHosts> {
  let version = "";
  let blobs: ReadonlySet<string> = new Set();

  const read = async (): Promise<void> => {
    const { mtimeMs, size, ino } = await stat(path);
    const found = `${mtimeMs} ${size} ${ino}`;
    if (found === version) return;
    const { keys, problems } = parseAuthorizedKeys(
      await readGuardedFile(path, "readers", { stage: "file", what: "--host-keys-allowed" }),
    );
    // A line with options allows less than the key alone. Options are not understood here, so the line allows
    // nothing.
    const plain = keys.filter(({ options }) => options === "");
    for (const { line, message } of problems) log.warn({ path, line }, `a key is not used: ${message}`);
    if (plain.length < keys.length) log.warn({ path }, "keys with options in front are not used");
    blobs = new Set(plain.map(({ blob }) => blob));
    version = found;
  };

  await read().catch((error: unknown) => {
    if (error instanceof StartError) throw error;
    throw new StartError("file", `--host-keys-allowed: ${path} can't be read (${reasonOf(error)}).`, error);
  });
  return {
    async isAllowed(blob) {
      try {
        await read();
      } catch (err) {
        log.error({ err, path }, "the keys of allowed hosts can't be read: no host may register");
        return false;
      }
      return blobs.has(blob.toString("base64"));
    },
  };
}
