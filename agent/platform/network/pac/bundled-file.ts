// Files that are beside the bundles in dist/ and are opened by path.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** undefined where the sources run unbundled. Bundled, this code is in dist/, dist/chunks/ or dist/extension/chunks/. */
export function bundledFile(name: string): string | undefined {
  return [`./${name}`, `../${name}`, `../../${name}`]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
}
