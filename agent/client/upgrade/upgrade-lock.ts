// Lets one process upgrade a program at a time. The lock is a file beside the program, which its owner keeps fresh: containers that
// share a volume do not see each other's processes.

import { randomBytes } from "node:crypto";
import {
  linkSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { CommandError } from "../../platform/command-error.ts";
import { errorCode } from "../../platform/error-code.ts";
import { isProcessAlive } from "../../platform/process-alive.ts";
import { cannotWrite } from "./writing.ts";

const REFRESH_MS = 5_000;
const STALE_MS = 60_000;
const MAX_ATTEMPTS = 3;

/**
 * Runs `work` while holding the lock. One whose owner died is taken over.
 * @throws CommandError stage `file`, code `upgrade_running`; or the file cannot be written
 */
export async function withUpgradeLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  take(path);
  const timer = setInterval(() => refresh(path), REFRESH_MS);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    rmSync(path, { force: true });
  }
}

function take(path: string): void {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    try {
      writeFileSync(path, `${process.pid} ${hostname()}`, { flag: "wx", mode: 0o600 });
      return;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw cannotWrite(path, error);
    }
    if (!removeStale(path)) break;
  }
  throw new CommandError(
    "file",
    "upgrade_running",
    `Another upgrade is running here: wait for it, or remove ${path} if there is none.`,
  );
}

/** False: its owner is alive. It is moved away first, because another process may do the same at this moment. */
function removeStale(path: string): boolean {
  try {
    if (!isStale(path)) return false;
    const { ino } = lstatSync(path);
    const aside = `${path}.${randomBytes(6).toString("hex")}`;
    renameSync(path, aside);
    // The other process was faster, and this is its new lock.
    if (lstatSync(aside).ino !== ino) linkSync(aside, path);
    rmSync(aside, { force: true });
    return true;
  } catch (error) {
    // It was released in the meantime.
    if (errorCode(error) === "ENOENT") return true;
    throw cannotWrite(path, error);
  }
}

function isStale(path: string): boolean {
  if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true;
  const [pid, host] = readFileSync(path, "utf8").split(" ");
  return host === hostname() && !isProcessAlive(Number(pid));
}

function refresh(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Whoever removed it wanted to; the work itself is made of atomic steps.
  }
}
