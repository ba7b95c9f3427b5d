// One writer at a time among all of a person's Sallyport processes: a lock file that holds its owner's process id.

import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../command-error.ts";
import { isProcessAlive } from "../process-alive.ts";
import { makePrivateDirectory, systemCode } from "./private-file.ts";

const WAIT_MS = 5_000;
/** Nobody holds it for this long: what it guards are single small files. */
const STALE_MS = 30_000;

/**
 * Runs `work` while holding `path`. A lock whose owner has died is taken over.
 * @throws CommandError stage `file`, code `locked`, after 5 s
 */
export async function withLock<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  makePrivateDirectory(dirname(path));
  for (const deadline = Date.now() + WAIT_MS; !take(path); ) {
    if (isStale(path)) rmSync(path, { force: true });
    else if (Date.now() > deadline) {
      throw new CommandError(
        "file",
        "locked",
        `Another sallyport holds ${path}; if none runs, remove that file.`,
      );
    } else await delay(20 + Math.random() * 30);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
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

function isStale(path: string): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true;
    const owner = Number(readFileSync(path, "utf8"));
    return Number.isSafeInteger(owner) && owner > 0 && !isProcessAlive(owner);
  } catch {
    // It was released between the two looks at it.
    return false;
  }
}
