// The package.json of the npm package, and those of the packages inside it.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { ROOT } from "../../../scripts/repository.ts";

const Own = Type.Object({
  name: Type.String(),
  description: Type.String(),
  license: Type.String(),
  author: Type.String(),
  keywords: Type.Array(Type.String()),
  engines: Type.Object({ node: Type.String() }),
  bin: Type.Record(Type.String(), Type.String()),
});

const Bundled = Type.Object({
  version: Type.String(),
  license: Type.Optional(Type.String()),
  main: Type.Optional(Type.String()),
  type: Type.Optional(Type.String()),
});

/** `bundled`: the packages inside, with their versions; `manuals`: paths of man pages. */
export async function packageManifest(
  version: string,
  bundled: ReadonlyMap<string, string>,
  manuals: readonly string[],
): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  if (!Check(Own, manifest)) throw new Error("package.json lacks something that the npm package needs");
  const { name, description, license, author, keywords, engines, bin } = manifest;
  const shipped = {
    ...{ name, version, description, license, author, keywords, bin },
    man: manuals,
    engines: { node: engines.node },
    dependencies: Object.fromEntries(bundled),
    // They travel inside, so npm asks a registry for none of them.
    bundleDependencies: [...bundled.keys()],
  };
  return `${JSON.stringify(shipped, null, 2)}\n`;
}

/**
 * Of a package inside, only what Node reads: its install script would build what is here already, and what it depends on
 * is here, too. @throws Error if it is not a package.json
 */
export function bundledManifest(text: string, name: string): { text: string; version: string } {
  const manifest: unknown = JSON.parse(text);
  if (!Check(Bundled, manifest)) throw new Error(`the package.json of ${name} has no version`);
  const { version, license, main, type } = manifest;
  return { text: `${JSON.stringify({ name, version, license, main, type }, null, 2)}\n`, version };
}
