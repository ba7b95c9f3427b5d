// Parts of a release that take long to make and are kept for the next one, each under a digest of all that it is made from.

import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

export class PartCache {
  readonly directory: string;

  /** @param directory made when it is first needed; default: in the person's cache */
  constructor(directory: string = ownCache()) {
    this.directory = directory;
  }

  /**
   * The directory with a part's files: the kept one, or what `make` puts into an empty one.
   * @param inputs all that the result depends on, the versions of tools included
   */
  async part(
    name: string,
    inputs: readonly (string | Uint8Array)[],
    make: (into: string) => Promise<void>,
  ): Promise<string> {
    const kept = join(this.directory, `${name}-${digest(inputs)}`);
    if (existsSync(kept)) return kept;
    const temporary = `${kept}.${randomBytes(4).toString("hex")}.part`;
    await mkdir(temporary, { recursive: true });
    try {
      await make(temporary);
      await rename(temporary, kept).catch((error) => {
        if (!existsSync(kept)) throw error; // Otherwise another run was faster.
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return kept;
  }
}

function ownCache(): string {
  const xdg = process.env.XDG_CACHE_HOME;
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".cache"), "sallyport-release");
}

function digest(inputs: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  // With their lengths, so that no two lists of inputs have the same bytes.
  for (const input of inputs) hash.update(`${input.length}:`).update(input);
  return hash.digest("hex").slice(0, 24);
}
