// The program for each platform: the lone file that people download, and beside it in the work directory everything that goes
// into archives and packages.

import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Platform } from "../../protocol/release/manifest.ts";
import { releaseKeyOf } from "../../protocol/release/signature.ts";
import { ROOT } from "../../scripts/repository.ts";
import { pages } from "../build/pages.ts";
import { makeExecutable } from "../executable/executable.ts";
import { nodeHeaders } from "../executable/parts/addons.ts";
import { type ProgramChunks, programChunks } from "../executable/program-chunks.ts";
import { selfUnpacking } from "../executable/self-unpacking.ts";
import type { Release } from "./release.ts";
import { writeTarGz } from "./tar.ts";

/** The program's file name in archives. */
function programName(platform: Platform): string {
  return platform.startsWith("win") ? "sallyport.exe" : "sallyport";
}

/** @throws Error: a part or a tool is missing */
export async function programsStep(release: Release): Promise<void> {
  const program = await programChunks(release.version, [releaseKeyOf(release.key)]);
  for (const platform of release.platforms) await makeProgram(release, platform, program);
}

async function makeProgram(release: Release, platform: Platform, program: ProgramChunks): Promise<void> {
  const started = performance.now();
  const { bytes, beside, hasCodeCaches } = await makeExecutable(release.cache, platform, program);
  const directory = join(release.work, platform);
  await writeProgram(join(directory, programName(platform)), bytes);
  for (const path of beside) await copyFile(path, join(directory, basename(path)));
  for (const [name, text] of await accompanying(release, program)) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  const alone = join(release.directory, `sallyport-${platform}${platform.startsWith("win") ? ".exe" : ""}`);
  // What needs libraries beside it unpacks them by itself.
  const needsFiles = platform.startsWith("linux-musl");
  await writeProgram(alone, needsFiles ? await unpackingProgram(release, platform) : bytes);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const remark = hasCodeCaches ? "" : ", without compiled code: programs for it do not run here";
  release.say(`${platform}: ${(bytes.length / 1e6).toFixed(1)} MB, ${seconds} s${remark}`);
}

async function unpackingProgram(release: Release, platform: Platform): Promise<Buffer> {
  const directory = join(release.work, platform);
  const files = (await readdir(directory)).filter((name) => /^sallyport$|\.node$|\.so\./.test(name));
  const archive = join(release.work, `${platform}.tar.gz`);
  await writeTarGz(archive, directory, files, release.time, release.draft);
  const bytes = await selfUnpacking(release.version, platform, await readFile(archive));
  await rm(archive);
  return bytes;
}

async function writeProgram(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes, { mode: 0o755 });
}

/** Texts for people and their systems. Node's licence covers what Node has inside, too. */
async function accompanying(release: Release, program: ProgramChunks): Promise<Map<string, string>> {
  const node = await readFile(join(await nodeHeaders(release.cache), "LICENSE"), "utf8");
  const files = await pages(release.version);
  files.set("LICENSE", await readFile(join(ROOT, "LICENSE"), "utf8"));
  files.set("THIRD-PARTY-LICENSES.txt", `${program.licences}\n${"-".repeat(80)}\n\nNode.js\n\n${node}`);
  return files;
}
