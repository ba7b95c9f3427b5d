// A dependency that npm installs on one platform only, for the package that serves all: from node_modules, or from the
// registry by npm, checked against package-lock.json and kept in the person's cache.

import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { ROOT } from "../../scripts/repository.ts";

const run = promisify(execFile);

const Lock = Type.Object({
  packages: Type.Record(
    Type.String(),
    Type.Object({ version: Type.Optional(Type.String()), integrity: Type.Optional(Type.String()) }),
  ),
});

/** The directory that has the package's files. @throws Error if it cannot be fetched, or is not what the lock file names */
export async function nativePackage(name: string): Promise<string> {
  const installed = join(ROOT, "node_modules", name);
  if (existsSync(join(installed, "package.json"))) return installed;
  const { version, integrity } = await locked(name);
  const unpacked = join(cache(), `${name.replace(/^@/, "").replace("/", "-")}-${version}`);
  if (!existsSync(unpacked)) await fetchPackage(`${name}@${version}`, integrity, unpacked);
  return unpacked;
}

async function locked(name: string): Promise<{ version: string; integrity: string }> {
  const lock: unknown = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
  const { version, integrity } = Check(Lock, lock) ? (lock.packages[`node_modules/${name}`] ?? {}) : {};
  if (version === undefined || integrity === undefined) throw new Error(`package-lock.json has no ${name}`);
  return { version, integrity };
}

async function fetchPackage(wanted: string, integrity: string, unpacked: string): Promise<void> {
  const temporary = `${unpacked}.${randomBytes(4).toString("hex")}`;
  await mkdir(temporary, { recursive: true });
  try {
    const flags = ["--loglevel=error", "--fetch-retries=5"];
    const npm = ["pack", wanted, ...flags, "--pack-destination", temporary];
    const { stdout } = await run("npm", npm, { cwd: temporary, shell: process.platform === "win32" });
    const archive = basename(stdout.trim());
    const digest = createHash("sha512")
      .update(await readFile(join(temporary, archive)))
      .digest("base64");
    if (`sha512-${digest}` !== integrity) throw new Error("it is not what package-lock.json names");
    await run("tar", ["-xzf", archive], { cwd: temporary });
    await rename(join(temporary, "package"), unpacked).catch((error) => {
      if (!existsSync(unpacked)) throw error; // Otherwise another run was faster.
    });
  } catch (cause) {
    throw new Error(`cannot get ${wanted}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function cache(): string {
  const xdg = process.env.XDG_CACHE_HOME;
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".cache"), "sallyport-package");
}
