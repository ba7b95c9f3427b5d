// A lock file, so that of all Sallyport processes of a person only one writes at a time. It contains its owner's process id.

import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../command-error.ts";
import { isProcessAlive } from "../process-alive.ts";
import { makePrivateDirectory, systemCode } from "./private-file.ts";

export interface LockTimes {
  /** How long to wait for it. */
  readonly waitMs: number;
  /** No live process holds it for this long. */
  readonly staleMs: number;
}

/** For locks that guard small files. */
const QUICK: LockTimes = { waitMs: 5_000, staleMs: 30_000 };

/**
 * Runs `work` while holding `path`. A lock whose owner has died is taken over.
 * @throws CommandError stage `file`, code `locked`
 */
export async function withLock<T>(
  path: string,
  work: () => T | Promise<T>,
  { waitMs, staleMs }: LockTimes = QUICK,
): Promise<T> {
  makeDirectory(dirname(path));
  for (const deadline = Date.now() + waitMs; !take(path); ) {
    if (isStale(path, staleMs)) rmSync(path, { force: true });
    else if (Date.now() > deadline) {
      throw new CommandError(
        "file",
        "locked",
        `Another Sallyport process holds the lock ${path}: wait for it to end, or remove the file if none is running.`,
      );
    } else await delay(20 + Math.random() * 30);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function makeDirectory(directory: string): void {
  try {
    makePrivateDirectory(directory);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError("file", systemCode(error), `Cannot make the directory ${directory}.`, {
      cause: error,
    });
  }
}

function take(path: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx", 0o600);
  } catch (error) {
    // EPERM: Windows says so while another process is about to remove the file.
    if (systemCode(error) === "EEXIST" || systemCode(error) === "EPERM") return false;
    throw new CommandError("file", systemCode(error), `Cannot write ${path}.`, { cause: error });
  }
  writeSync(descriptor, String(process.pid));
  closeSync(descriptor);
  return true;
}

function isStale(path: string, staleMs: number): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > staleMs) return true;
    const owner = Number(readFileSync(path, "utf8"));
    return Number.isSafeInteger(owner) && owner > 0 && !isProcessAlive(owner);
  } catch {
    // It was released in the meantime.
    return false;
  }
}
