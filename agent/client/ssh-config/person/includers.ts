// Remembers which of a person's files include the managed config. All of them share it, so it is removed only with the last
// managed include.

import { Type } from "typebox";
import { Check } from "typebox/value";
import { CommandError } from "../../../platform/command-error.ts";
import { readPrivateFile, writePrivateFile } from "../../../platform/files/private-file.ts";
import { allIncludeSpellings, type SshConfigPaths } from "../paths.ts";
import { includesManaged } from "./include-plan.ts";
import { type FileSystem, REAL_FILE_SYSTEM, readPersonConfig } from "./person-file.ts";

const Paths = Type.Array(Type.String());

/** Records that `paths.person` includes the managed config. @throws CommandError stage `file` */
export function noteIncluder(paths: SshConfigPaths): void {
  const known = readIncluders(paths);
  if (known.includes(paths.person)) return;
  writePrivateFile(paths.includers, `${JSON.stringify([...known, paths.person], null, 2)}\n`);
}

/** The other recorded files, and the default one, that include it now. A file that cannot be read counts as well. */
export async function otherIncluders(
  paths: SshConfigPaths,
  fs: FileSystem = REAL_FILE_SYSTEM,
): Promise<string[]> {
  const others = new Set([paths.defaultPerson, ...readIncluders(paths)]);
  others.delete(paths.person);
  const found: string[] = [];
  for (const path of others) {
    try {
      const { bytes } = await readPersonConfig(path, fs);
      if (bytes === undefined || !includesManaged(bytes, allIncludeSpellings(paths))) continue;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
    found.push(path);
  }
  return found;
}

function readIncluders({ includers }: SshConfigPaths): string[] {
  try {
    const value: unknown = JSON.parse(readPrivateFile(includers) ?? "[]");
    return Check(Paths, value) ? value : [];
  } catch (error) {
    if (error instanceof CommandError) throw error;
    // Damaged: each file is recorded again with its next change.
    return [];
  }
}
