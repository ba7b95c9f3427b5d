// Which files go into the extension: the ones named here and no others. test/integration/package checks the list against
// what a package may have.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../scripts/repository.ts";
import { installedPackages, readFolder } from "../dependencies/installed.ts";
import { type Manifest, shippedManifest } from "./manifest.ts";

/** Beside these: package.json and the dependencies. A folder ends in a slash and keeps its place. */
const OWN = ["media/", "l10n/", "CHANGELOG.md", "LICENSE"];
/** What systems install beside a program; an extension does not. The dashboard is inside the gateway already. */
const LEFT_OUT = /^(man|completions|web)\//;
/** package.json's texts, in every language that there is. */
const TEXTS = /^package\.nls(\.[a-z-]+)?\.json$/;
/** The page in the marketplace, which is not the repository's front page. */
const PAGE = "extension/README.md";

/**
 * Paths in the extension, with their contents, in one order.
 * @param built the directory that esbuild.mjs has built
 * @throws Error that names what is missing
 */
export async function collectFiles(manifest: Manifest, built: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  files.set("package.json", Buffer.from(await shippedManifest(manifest.version)));
  for (const [name, contents] of await readFolder(built)) {
    if (!LEFT_OUT.test(name)) files.set(`dist/${name}`, contents);
  }
  files.set("README.md", await readFile(join(ROOT, PAGE)));
  for (const own of [...OWN, ...(await readdir(ROOT)).filter((name) => TEXTS.test(name))]) {
    if (!own.endsWith("/")) files.set(own, await readFile(join(ROOT, own)));
    else
      for (const [name, contents] of await readFolder(join(ROOT, own))) {
        files.set(own + name, contents);
      }
  }
  for (const [path, contents] of await installedPackages(manifest.dependencies)) files.set(path, contents);
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}
