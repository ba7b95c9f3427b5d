// Writes the managed SSH config and the managed include as one step, under a lock that all windows and editors share. `ssh -G`
// checks the result; if it is not as expected, the old bytes are restored. The person has agreed beforehand.

import { existsSync, rmdirSync } from "node:fs";
import { withLock } from "../../platform/files/lock.ts";
import { readPrivateFile, removePrivateFile, writePrivateFile } from "../../platform/files/private-file.ts";
import {
  countersOf,
  formatManagedConfig,
  parseManagedConfig,
  type Section,
  withCounters,
} from "./managed-config.ts";
import type { SshConfigPaths } from "./paths.ts";
import type { Change } from "./person/include-plan.ts";
import { noteIncluder, otherIncluders } from "./person/includers.ts";
import {
  type FileSystem,
  REAL_FILE_SYSTEM,
  readPersonConfig,
  replacePersonConfig,
} from "./person/person-file.ts";
import {
  counterKeywords,
  type Difference,
  type Expectation,
  type SshProgram,
  verifyAlias,
} from "./person/verify-alias.ts";

/** The content of Sallyport's own two files. */
export interface Managed {
  readonly sections: readonly Section[];
  /** The text of the file `known_hosts`. */
  readonly knownHosts: string;
}

export interface ApplyRequest {
  readonly paths: SshConfigPaths;
  /** From the current content of the files, read under the lock, to the wanted one. */
  readonly change: (now: Managed) => Managed;
  /** The change to the person's file; undefined: it includes Sallyport's already. */
  readonly include: Change | undefined;
  /** What ssh has to understand. Asking it takes a few milliseconds per alias. */
  readonly expect: readonly Expectation[];
  readonly ssh: SshProgram;
}

export type Outcome =
  | { readonly kind: "applied"; readonly changed: boolean }
  /** The person's file has changed since the plan was made: plan again. Nothing was written. */
  | { readonly kind: "outdated" }
  /** ssh would not do what is wanted. The old bytes were restored. */
  | { readonly kind: "rolled-back"; readonly differences: readonly Difference[] };

/** @throws CommandError stage `file` or `ssh`; the old bytes were restored */
export async function applyConfig(request: ApplyRequest, fs = REAL_FILE_SYSTEM): Promise<Outcome> {
  const { paths, include, expect, ssh } = request;
  return await withLock(paths.lock, async () => {
    const old = readOwnFiles(paths);
    const now: Managed = { sections: parseManagedConfig(old.config ?? ""), knownHosts: old.knownHosts ?? "" };
    const wanted = request.change(now);
    const write = (counters: readonly string[]): void =>
      writeOwnFiles(paths, readOwnFiles(paths), {
        config: formatManagedConfig(withCounters(wanted.sections, counters)),
        knownHosts: wanted.knownHosts,
      });
    let counters = countersOf(now.sections);
    write(counters);
    const undo: (() => Promise<void>)[] = [async () => restoreOwnFiles(paths, old)];
    try {
      if (include !== undefined) {
        if (!(await writeInclude(paths, include, fs))) {
          await undoAll(undo);
          return { kind: "outdated" };
        }
        undo.push(() => takeBack(paths, include, fs));
      }
      const verify = async () => (await inTurn(expect, (one) => verifyAlias(one, ssh))).flat();
      let differences = await verify();
      // In a loop, because one of these settings can hide the others from `ssh -G`.
      for (;;) {
        const found = counterKeywords(differences.map(({ setting }) => setting));
        if (found.every((keyword) => counters.includes(keyword))) break;
        counters = [...new Set([...counters, ...found])];
        write(counters);
        differences = await verify();
      }
      if (differences.length === 0) {
        noteIncluder(paths);
        return { kind: "applied", changed: !isAsBefore(paths, old) || include !== undefined };
      }
      await undoAll(undo);
      return { kind: "rolled-back", differences };
    } catch (error) {
      await undoAll(undo);
      throw error;
    }
  });
}

export interface RemoveRequest {
  readonly paths: SshConfigPaths;
  /** undefined: the person's file has nothing of ours. */
  readonly include: Change | undefined;
}

export type Removal =
  /** `keptFor`: other files of the person that still include Sallyport's files, which are therefore kept. */
  | { readonly kind: "applied"; readonly changed: boolean; readonly keptFor: readonly string[] }
  | { readonly kind: "outdated" };

/**
 * Removes the managed include, then Sallyport's own files, unless another file includes them. In this order ssh never looks for
 * a file that is gone.
 */
export async function removeConfig(
  { paths, include }: RemoveRequest,
  fs = REAL_FILE_SYSTEM,
): Promise<Removal> {
  // Taking the lock would make the directory that is to be removed.
  if (include === undefined && !existsSync(paths.directory))
    return { kind: "applied", changed: false, keptFor: [] };
  const outcome = await withLock(paths.lock, async () => {
    if (include !== undefined && !(await writeInclude(paths, include, fs)))
      return { kind: "outdated" } as const;
    const own = readOwnFiles(paths);
    const keptFor = own.config === undefined ? [] : await otherIncluders(paths, fs);
    if (keptFor.length > 0) return { kind: "applied", changed: include !== undefined, keptFor } as const;
    removePrivateFile(paths.config);
    removePrivateFile(paths.knownHosts);
    removePrivateFile(paths.includers);
    const changed = include !== undefined || own.config !== undefined || own.knownHosts !== undefined;
    return { kind: "applied", changed, keptFor } as const;
  });
  if (outcome.kind === "applied" && outcome.keptFor.length === 0) removeEmptyDirectory(paths);
  return outcome;
}

/** The content of Sallyport's own files, for a plan that is only shown. @throws CommandError stage `file` */
export function readManaged(paths: SshConfigPaths): Managed {
  const { config, knownHosts } = readOwnFiles(paths);
  return { sections: parseManagedConfig(config ?? ""), knownHosts: knownHosts ?? "" };
}

interface OwnFiles {
  readonly config: string | undefined;
  readonly knownHosts: string | undefined;
}

function readOwnFiles(paths: SshConfigPaths): OwnFiles {
  return { config: readPrivateFile(paths.config), knownHosts: readPrivateFile(paths.knownHosts) };
}

/** Host keys first, so that no block is ever there without the keys that it trusts. */
function writeOwnFiles(paths: SshConfigPaths, old: OwnFiles, wanted: OwnFiles): void {
  if (old.knownHosts !== wanted.knownHosts) writePrivateFile(paths.knownHosts, wanted.knownHosts ?? "");
  if (old.config !== wanted.config) writePrivateFile(paths.config, wanted.config ?? "");
}

function isAsBefore(paths: SshConfigPaths, old: OwnFiles): boolean {
  const now = readOwnFiles(paths);
  return now.knownHosts === old.knownHosts && now.config === old.config;
}

function restoreOwnFiles(paths: SshConfigPaths, old: OwnFiles): void {
  for (const [path, text] of [
    [paths.config, old.config],
    [paths.knownHosts, old.knownHosts],
  ] as const) {
    if (text === undefined) removePrivateFile(path);
    else if (readPrivateFile(path) !== text) writePrivateFile(path, text);
  }
}

async function writeInclude(paths: SshConfigPaths, { before, after }: Change, fs: FileSystem) {
  const { target } = await readPersonConfig(paths.person, fs);
  return await replacePersonConfig(target, before, after, paths.backup, fs);
}

/** If the person has edited the file since, their edit stays: the block in it is found and removed later. */
async function takeBack(paths: SshConfigPaths, { before, after }: Change, fs: FileSystem): Promise<void> {
  const { target } = await readPersonConfig(paths.person, fs);
  await replacePersonConfig(target, after, before, paths.backup, fs);
}

async function undoAll(steps: readonly (() => Promise<void>)[]): Promise<void> {
  await inTurn(steps.toReversed(), (step) => step());
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

function removeEmptyDirectory({ directory }: SshConfigPaths): void {
  try {
    rmdirSync(directory);
  } catch {
    // It is not empty, or is in use by another window, or is gone. An empty directory does no harm.
  }
}
