// The release that these tests are about: what `npm run release` left in release/, or in the directory that SALLYPORT_RELEASE
// names.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MANIFEST_FILE, type Platform } from "../../../protocol/release/manifest.ts";
import { ROOT } from "../../../scripts/repository.ts";

/** Absolute. @throws Error that says how to make one */
export function releaseDirectory(): string {
  const directory = resolve(process.env.SALLYPORT_RELEASE || join(ROOT, "release"));
  if (!existsSync(join(directory, MANIFEST_FILE))) {
    throw new Error(
      `${directory} has no release: run \`npm run release -- --only linux-x64,linux-musl-x64\` first`,
    );
  }
  return directory;
}

/** Absolute path of a file of the release, such as `sallyport-linux-x64.tar.gz`. @throws Error if it has none */
export function releaseFile(name: string): string {
  const path = join(releaseDirectory(), name);
  if (!existsSync(path))
    throw new Error(`the release has no ${name}: run \`npm run release\` for its platform`);
  return path;
}

/** The program as one file. */
export function releasedProgram(platform: Platform): string {
  return releaseFile(`sallyport-${platform}${platform.startsWith("win") ? ".exe" : ""}`);
}

/** Whether the release was made for this platform: the quick one of each change is for two. */
export function isReleased(platform: Platform): boolean {
  return existsSync(join(releaseDirectory(), `sallyport-${platform}.tar.gz`));
}

/** The version in its manifest, before its signature is checked. */
export async function releasedVersion(): Promise<string> {
  const { version }: { version: string } = JSON.parse(
    await readFile(join(releaseDirectory(), MANIFEST_FILE), "utf8"),
  );
  return version;
}
