// Where a program is, as a shell would find it.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** @param more directories to look in, after those of PATH */
export function findProgram(name: string, more: readonly string[]): string | undefined {
  return [...(process.env.PATH ?? "").split(delimiter), ...more]
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false; // Not in this directory.
      }
    });
}
