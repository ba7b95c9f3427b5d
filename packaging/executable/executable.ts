// Makes one executable: Node for a platform with a blob inside, which holds the boot script, the chunks of the program with their
// compiled code, and everything else that is built in.

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Platform } from "../../protocol/release/manifest.ts";
import { makeBlob } from "./blob.ts";
import { codeCaches } from "./code-caches.ts";
import { injectIntoElf } from "./formats/elf.ts";
import { injectIntoMachO } from "./formats/macho.ts";
import { injectIntoPe } from "./formats/pe.ts";
import { nativeAddons } from "./parts/addons.ts";
import type { PartCache } from "./parts/part-cache.ts";
import { nodeRuntime } from "./parts/runtime.ts";
import type { ProgramChunks } from "./program-chunks.ts";

export interface ExecutableParts {
  readonly bytes: Buffer;
  /** Paths of files that may be beside it (native parts, which it also has inside) or must be (the libraries for musl). */
  readonly beside: readonly string[];
  /** Whether the program starts with compiled code. */
  readonly hasCodeCaches: boolean;
}

/** @throws Error: a part or a tool is missing */
export async function makeExecutable(
  cache: PartCache,
  platform: Platform,
  program: ProgramChunks,
): Promise<ExecutableParts> {
  const { node, libraries } = await nodeRuntime(cache, platform);
  const addons = await nativeAddons(cache, platform);
  const caches = await cachesFor(cache, platform, program);
  const assets = new Map<string, Uint8Array>(program.assets);
  for (const path of addons) assets.set(basename(path), await readFile(path));
  for (const [name, text] of program.chunks) {
    assets.set(name, Buffer.from(text, "latin1"));
    const compiled = caches?.get(name);
    if (compiled !== undefined) assets.set(`${name}.cache`, compiled);
  }
  const bytes = injectorFor(platform)(await readFile(node), await makeBlob(assets));
  const beside = [...addons.filter((path) => basename(path) !== "keytar.node"), ...libraries];
  return { bytes, beside, hasCodeCaches: caches !== undefined };
}

function injectorFor(platform: Platform): (node: Buffer, blob: Uint8Array) => Buffer {
  if (platform.startsWith("darwin")) return injectIntoMachO;
  return platform.startsWith("win") ? injectIntoPe : injectIntoElf;
}

/** Systems that do not run here have none, and compile each chunk as they load it. */
async function cachesFor(cache: PartCache, platform: Platform, { chunks }: ProgramChunks) {
  if (!platform.startsWith("linux")) return undefined;
  return await codeCaches(cache, platform.endsWith("arm64") ? "arm64" : "x64", chunks);
}
