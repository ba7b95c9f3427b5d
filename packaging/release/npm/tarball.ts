// A step of a release: `sallyport-VERSION.tgz`, for `npm install --global FILE` on every system that has Node.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { tar } from "../memory-tar.ts";
import type { Release } from "../release.ts";
import { packageFiles } from "./contents.ts";

/** What has to be a program after the installation; npm itself sees to what `bin` names. */
const PROGRAMS = /^dist\/cli\.js$|\/spawn-helper$/;

/** After the extension, which it shares the build with. @throws Error that names what is missing */
export async function npmStep(release: Release): Promise<void> {
  const files = await packageFiles(release);
  const entries = [...files].map(([path, contents]) => ({
    path: `package/${path}`,
    contents,
    mode: PROGRAMS.test(path) ? 0o755 : 0o644,
  }));
  const archive = gzipSync(await tar(entries, new Date(release.time * 1000)), { level: 9 });
  await writeFile(join(release.directory, `sallyport-${release.version}.tgz`), archive);
}
