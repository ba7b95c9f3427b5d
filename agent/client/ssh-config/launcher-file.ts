// The launcher on disk, at a path that never changes, and beside it the list of programs that it can start.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { CommandError } from "../../platform/command-error.ts";
import { withLock } from "../../platform/files/lock.ts";
import { readPrivateFile, removePrivateFile, writePrivateFile } from "../../platform/files/private-file.ts";
import { configDirectory, type Machine } from "../../platform/paths.ts";
import { type LaunchCandidate, lastingPath, launcherText, withCandidate } from "./launcher-script.ts";

const Candidates = Type.Array(
  Type.Object({
    execPath: Type.String(),
    cliPath: Type.Optional(Type.String()),
    electron: Type.Boolean(),
    microsoftBuild: Type.Boolean(),
  }),
);

/** The path that the SSH config names. */
export function launcherPath(machine: Machine): string {
  const name = machine.platform === "win32" ? "sallyport-tunnel.cmd" : "sallyport-tunnel";
  return join(configDirectory(machine), "bin", name);
}

/**
 * Writes the launcher so that it prefers `candidate`, and otherwise starts a program of an earlier editor that still exists.
 * Called at each start of an editor: writes only if something has changed. `changed`: whether the launcher was rewritten.
 * @throws CommandError stage `file` or `config`
 */
export async function writeLauncher(
  candidate: LaunchCandidate,
  machine: Machine,
): Promise<{ path: string; changed: boolean }> {
  const { platform, env } = machine;
  const path = launcherPath(machine);
  const listPath = listOf(machine);
  const lasting = { ...candidate, execPath: lastingPath(candidate.execPath, env, platform) };
  refuseControlCharacters(lasting);
  const wanted = () => {
    const candidates = withCandidate(readCandidates(listPath).filter(isThere), lasting);
    const list = `${JSON.stringify(candidates, null, 2)}\n`;
    return { text: launcherText(candidates, platform, env), list };
  };
  const isCurrent = ({ text, list }: ReturnType<typeof wanted>) =>
    readPrivateFile(path) === text && readPrivateFile(listPath) === list;
  // Without the lock, which is a file too: the directory may be read-only.
  if (isCurrent(wanted())) return { path, changed: false };
  return await withLock(`${path}.lock`, () => {
    const { text, list } = wanted();
    const changed = readPrivateFile(path) !== text;
    if (changed) writePrivateFile(path, text, 0o700);
    if (readPrivateFile(listPath) !== list) writePrivateFile(listPath, list);
    return { path, changed };
  });
}

/** Removes the launcher. @throws CommandError stage `file` */
export function removeLauncher(machine: Machine): void {
  removePrivateFile(launcherPath(machine));
  removePrivateFile(listOf(machine));
}

function listOf(machine: Machine): string {
  return join(configDirectory(machine), "bin", "programs.json");
}

function readCandidates(path: string): LaunchCandidate[] {
  const text = readPrivateFile(path);
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Check(Candidates, value) ? value : [];
  } catch {
    // Damaged: the current program is known anyway, and the others will be added again when they start.
    return [];
  }
}

function isThere({ execPath, cliPath }: LaunchCandidate): boolean {
  return existsSync(execPath) && (cliPath === undefined || existsSync(cliPath));
}

/** A line break in a path would end a line of the script. */
function refuseControlCharacters({ execPath, cliPath = "" }: LaunchCandidate): void {
  for (const path of [execPath, cliPath]) {
    if (!/\p{Cc}/u.test(path)) continue;
    throw new CommandError(
      "config",
      "bad_path",
      `${JSON.stringify(path)} cannot be written into a launcher.`,
    );
  }
}
