// The texts that people see, as the sources name them: `t("…")` in web/, `l10n.t("…")` in extension/.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../scripts/repository.ts";

/**
 * Every text that the sources below a folder show, in English.
 * @param shows the function that shows a text
 * @throws Error a call that names no literal, which could not be translated
 */
export async function textsOf(folder: string, shows: "t" | "l10n.t"): Promise<Set<string>> {
  const texts = new Set<string>();
  const calls = new RegExp(
    `(?<![\\w.]|function )${shows.replace(".", "\\.")}\\(\\s*("(?:[^"\\\\]|\\\\.)*"|.)`,
    "g",
  );
  for (const name of await readdir(join(ROOT, folder), { recursive: true })) {
    if (!/\.tsx?$/.test(name)) continue;
    const source = await readFile(join(ROOT, folder, name), "utf8");
    for (const [call, literal = ""] of source.matchAll(calls)) {
      if (!literal.startsWith('"')) throw new Error(`${folder}/${name}: ${call} takes a literal.`);
      texts.add(String(JSON.parse(literal)));
    }
  }
  return texts;
}
