// The licence of every package that went into a bundle: their terms ask for it to travel along.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { ROOT } from "../../scripts/repository.ts";

/** The text of THIRD-PARTY-LICENSES.txt. `what`: the beginning of its first sentence. */
export async function licences(what: string, metafiles: readonly Metafile[]): Promise<string> {
  const packages = new Set<string>();
  for (const input of metafiles.flatMap(({ inputs }) => Object.keys(inputs))) {
    const [, directory] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input.replaceAll("\\", "/")) ?? [];
    if (directory !== undefined) packages.add(directory);
  }
  const texts = await Promise.all([...packages].sort().map((directory) => licence(join(ROOT, directory))));
  return `${what} contains code of these packages.\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

async function licence(directory: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
  const file = (await readdir(directory)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : await readFile(join(directory, file), "utf8");
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}
