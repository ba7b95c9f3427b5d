// The native parts for a platform. Those for Linux are compiled here by zig for a glibc as old as Node's own, and for musl, with
// its C++ library inside, so that they need nothing but libc. Those for macOS come from the packages that are installed there;
// ssh2's is not among them. On Windows, a host has no terminals.

import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Platform } from "../../../protocol/release/manifest.ts";
import { ROOT } from "../../../scripts/repository.ts";
import { nativePackage } from "../../vsix/native-package.ts";
import { fetchPackage, fetchWheel } from "./downloads.ts";
import type { PartCache } from "./part-cache.ts";
import { NODE_HEADERS, NODE_PTY, ZIG } from "./pinned.ts";
import { runTool } from "./run-tool.ts";

const MODULES = join(ROOT, "node_modules");

/** zig's names. */
const TARGETS: Partial<Record<Platform, string>> = {
  "linux-x64": "x86_64-linux-gnu.2.28",
  "linux-arm64": "aarch64-linux-gnu.2.28",
  "linux-musl-x64": "x86_64-linux-musl",
  "linux-musl-arm64": "aarch64-linux-musl",
};

const COMMON = ["-O2", "-std=c++20", "-shared", "-fPIC", "-s", "-w", "-DBUILDING_NODE_EXTENSION"];

interface Addon {
  readonly name: string;
  readonly source: string;
  readonly headers: string;
  readonly flags: readonly string[];
}

/** Paths of `pty.node`, `sshcrypto.node` and others that the platform has. @throws Error: a part or a tool is missing */
export async function nativeAddons(cache: PartCache, platform: Platform): Promise<readonly string[]> {
  const target = TARGETS[platform];
  const keytar = join(MODULES, "keytar", "prebuilds", keytarName(platform), "keytar.node");
  if (target !== undefined) return [...(await compiled(cache, platform, target)), keytar];
  if (platform.startsWith("win")) return [keytar];
  const pty = await nativePackage(`@lydell/node-pty-${platform}`);
  return [join(pty, "pty.node"), join(pty, "spawn-helper"), keytar];
}

function keytarName(platform: Platform): string {
  return platform.replace("linux-musl", "linuxmusl").replace(/^win-/, "win32-");
}

async function compiled(cache: PartCache, platform: Platform, target: string): Promise<string[]> {
  const sources = await fetchPackage(cache, NODE_PTY, ["src/unix/pty.cc", "LICENSE"]);
  const headers = await nodeHeaders(cache);
  const addons: Addon[] = [
    {
      name: "pty",
      source: join(sources, "src", "unix", "pty.cc"),
      headers: join(MODULES, "node-addon-api"),
      flags: ["-DNAPI_VERSION=8", "-DNAPI_CPP_EXCEPTIONS", "-fexceptions"],
    },
    {
      name: "sshcrypto",
      source: join(MODULES, "ssh2", "lib", "protocol", "crypto", "src", "binding.cc"),
      headers: join(MODULES, "nan"),
      flags: ["-DOPENSSL_API_COMPAT=0x10100000L", "-DREAL_OPENSSL_MAJOR=3", "-fno-rtti", "-fno-exceptions"],
    },
  ];
  const inputs = [target, ZIG.sha256, NODE_HEADERS.integrity, NODE_PTY.integrity, ...COMMON];
  for (const { name, source, headers, flags } of addons) {
    inputs.push(name, ...flags, await readFile(source, "utf8"));
    inputs.push(await readFile(join(headers, "package.json"), "utf8"));
  }
  const directory = await cache.part(`addons-${platform}`, inputs, async (into) => {
    const zig = await zigCompiler(cache);
    const kept = join(cache.directory, "zig-objects");
    const env = { ...process.env, ZIG_GLOBAL_CACHE_DIR: kept, ZIG_LOCAL_CACHE_DIR: kept };
    for (const addon of addons) {
      const out = join(into, `${addon.name}.node`);
      const includes = [`-I${join(headers, "include", "node")}`, `-I${addon.headers}`];
      const own = [`-DNODE_GYP_MODULE_NAME=${addon.name}`, ...addon.flags];
      const args = ["c++", "-target", target, ...COMMON, ...includes, ...own, "-o", out, addon.source];
      await runTool(zig, args, { env });
    }
  });
  return addons.map(({ name }) => join(directory, `${name}.node`));
}

/** The directory that has Node's licence and `include/`. */
export async function nodeHeaders(cache: PartCache): Promise<string> {
  return await fetchPackage(cache, NODE_HEADERS, ["include", "LICENSE"]);
}

async function zigCompiler(cache: PartCache): Promise<string> {
  const directory = await cache.part("zig", [ZIG.sha256], async (into) => {
    const wheel = join(into, `${ZIG.name}-${ZIG.version}-py3-none-any.whl`);
    await copyFile(await fetchWheel(cache, ZIG), wheel);
    // pip knows which of the 20,000 files are programs.
    const flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--no-compile"];
    await runTool("python3", ["-m", "pip", "install", ...flags, "--target", into, wheel]);
    await runTool("rm", [wheel]);
  });
  return join(directory, "ziglang", "zig");
}
