// Files that lie beside the bundles in dist/ and are opened by path.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** undefined where the sources run as they are. This code is in dist/, in dist/chunks/, or in dist/extension/chunks/. */
export function bundledFile(name: string): string | undefined {
  return [`./${name}`, `../${name}`, `../../${name}`]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
}
