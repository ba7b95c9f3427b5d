// Fetches what releases are made from, by the registries' own clients, and checks it against pinned.ts.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, mkdir, readdir, readFile, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { openPromise } from "yauzl";
import type { PartCache } from "./part-cache.ts";
import type { PinnedPackage, PinnedWheel } from "./pinned.ts";
import { runTool } from "./run-tool.ts";

/** Path of the wheel. @throws Error: it cannot be fetched, or is not the pinned one */
export async function fetchWheel(cache: PartCache, wheel: PinnedWheel): Promise<string> {
  const { name, version, tag, sha256 } = wheel;
  const directory = await cache.part("wheel", [name, version, sha256], async (into) => {
    const platform = tag === undefined ? [] : ["--platform", tag];
    const flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", ...platform];
    await runTool("python3", ["-m", "pip", "download", ...flags, "-d", into, `${name}==${version}`]);
    const [file] = await readdir(into);
    if (file === undefined) throw new Error(`pip fetched nothing for ${name} ${version}`);
    const digest = createHash("sha256")
      .update(await readFile(join(into, file)))
      .digest("hex");
    if (digest !== sha256) throw new Error(`${file} has the digest ${digest}, which is not the pinned one`);
    await rename(join(into, file), join(into, "wheel.zip"));
  });
  return join(directory, "wheel.zip");
}

/** Directory of an unpacked package of npm. @throws Error: it cannot be fetched, or is not the pinned one */
export async function fetchPackage(
  cache: PartCache,
  wanted: PinnedPackage,
  members: readonly string[],
): Promise<string> {
  const { name, version, integrity } = wanted;
  return await cache.part(name, [version, integrity, ...members], async (into) => {
    const flags = ["--loglevel=error", "--fetch-retries=5", "--ignore-scripts", "--pack-destination", into];
    const archive = join(
      into,
      basename((await runTool("npm", ["pack", `${name}@${version}`, ...flags])).trim()),
    );
    const digest = createHash("sha512")
      .update(await readFile(archive))
      .digest("base64");
    if (`sha512-${digest}` !== integrity)
      throw new Error(`${name} ${version} from npm is not the pinned one`);
    const paths = members.map((member) => `package/${member}`);
    await runTool("tar", ["-xzf", archive, "--strip-components=1", "-C", into, ...paths]);
    await runTool("rm", [archive]);
  });
}

/** Extracts files of a wheel. `wanted` names the file to write for a member, or undefined. @throws Error: it cannot be read */
export async function extract(
  wheel: string,
  into: string,
  wanted: (member: string) => string | undefined,
): Promise<void> {
  const archive = await openPromise(wheel);
  let found = false;
  try {
    for await (const entry of archive.eachEntry()) {
      const name = entry.fileName.endsWith("/") ? undefined : wanted(entry.fileName);
      if (name === undefined) continue;
      found = true;
      await mkdir(into, { recursive: true });
      await pipeline(await archive.openReadStreamPromise(entry), createWriteStream(join(into, name)));
      await chmod(join(into, name), 0o755);
    }
  } finally {
    archive.close();
  }
  if (!found) throw new Error(`${wheel} does not have the file that was looked for`);
}
