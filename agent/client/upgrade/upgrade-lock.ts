// Lets one process upgrade a program at a time. The lock is beside the program, and its owner keeps it fresh: containers that share
// a volume do not see each other's processes. It is a symbolic link whose target names the owner, because that is made in one step,
// or a file where there are no such links.

import { randomBytes } from "node:crypto";
import {
  linkSync,
  lstatSync,
  lutimesSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
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
  const own = identityOf(path);
  const timer = setInterval(() => refresh(path, own), REFRESH_MS);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    // A machine that slept for long may have lost it to another process.
    if (identityOf(path) === own) rmSync(path, { force: true });
  }
}

/** undefined: it is not there, or cannot be looked at. */
function identityOf(path: string): bigint | undefined {
  try {
    return lstatSync(path, { bigint: true }).ino;
  } catch {
    return undefined;
  }
}

function take(path: string): void {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    if (make(path, `${process.pid} ${hostname()}`)) return;
    if (!removeStale(path)) break;
  }
  throw new CommandError(
    "file",
    "upgrade_running",
    `Another upgrade is running here: wait for it, or remove ${path} if there is none.`,
  );
}

/** False: there is one. */
function make(path: string, owner: string): boolean {
  try {
    symlinkSync(owner, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
  }
  try {
    writeFileSync(path, owner, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw cannotWrite(path, error);
  }
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
  const facts = lstatSync(path);
  if (Date.now() - facts.mtimeMs > STALE_MS) return true;
  const owner = facts.isSymbolicLink() ? readlinkSync(path) : readFileSync(path, "utf8");
  const [pid, host] = owner.split(" ");
  return host === hostname() && !isProcessAlive(Number(pid));
}

function refresh(path: string, own: bigint | undefined): void {
  if (identityOf(path) !== own) return;
  try {
    const now = new Date();
    lutimesSync(path, now, now);
  } catch {
    // Whoever removed it wanted to; the work itself is made of atomic steps.
  }
}
