// For packages of a system: a man page for each command, and completion for shells, from the commands' own definitions.

import { SHELLS } from "../../agent/cli/commands/completion/definition.ts";
import { allDefinitions } from "../../agent/cli/commands.ts";
import { completionFile, completionScript } from "../../agent/cli/completion/script.ts";
import { manPages } from "../../agent/cli/help/man-page.ts";

/** By path: `man/sallyport.1`, `completions/sallyport.bash` and the others. */
export async function pages(version: string): Promise<Map<string, string>> {
  const definitions = await allDefinitions();
  const files = new Map<string, string>();
  for (const [name, text] of manPages(definitions, version)) files.set(`man/${name}`, text);
  for (const shell of SHELLS) {
    files.set(`completions/${completionFile(shell)}`, completionScript(shell, definitions));
  }
  return files;
}
