// The programs as archives, with no directory around: .tar.gz, which every system can unpack, and .tar.xz, a third smaller. The
// same contents give the same bytes.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../executable/run-tool.ts";
import type { Release } from "./release.ts";

/** @throws Error: a tool is missing */
export async function archivesStep(release: Release): Promise<void> {
  for (const platform of release.platforms) {
    const tar = join(release.work, `sallyport-${platform}.tar`);
    await makeTar(tar, join(release.work, platform), release.time);
    const out = join(release.directory, `sallyport-${platform}.tar`);
    await Promise.all([
      runTool("sh", ["-c", 'gzip -9 -n < "$1" > "$2"', "sh", tar, `${out}.gz`]),
      runTool("sh", ["-c", 'xz -6 -T1 < "$1" > "$2"', "sh", tar, `${out}.xz`]),
    ]);
    await rm(tar);
  }
}

/** In the oldest form that every tar reads, owned by root. */
async function makeTar(tar: string, directory: string, time: number): Promise<void> {
  const ownership = ["--owner=root:0", "--group=root:0", "--mode=u=rwX,go=rX"];
  const form = ["--format=ustar", "--sort=name", `--mtime=@${time}`, ...ownership];
  await runTool("tar", ["-cf", tar, ...form, "-C", directory, ...(await readdir(directory)).sort()]);
}
