// The programs as archives, with no directory around: .tar.gz, which every system can unpack, and .tar.xz, a third smaller.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Release } from "./release.ts";
import { compress, writeTar } from "./tar.ts";

/** @throws Error: a tool is missing */
export async function archivesStep(release: Release): Promise<void> {
  for (const platform of release.platforms) {
    const directory = join(release.work, platform);
    const tar = join(release.work, `${platform}.tar`);
    await writeTar(tar, directory, await readdir(directory), release.time);
    const out = join(release.directory, `sallyport-${platform}.tar`);
    await Promise.all([
      compress("gzip", tar, `${out}.gz`, release.draft),
      compress("xz", tar, `${out}.xz`, release.draft),
    ]);
    await rm(tar);
  }
}
