// Writes this companion's status file, which a status bar reads, and removes it when the connection ends. The connection never
// waits for it, and does not fail if writing fails.

import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { cacheDirectory, type Machine, thisMachine } from "../../platform/paths.ts";
import {
  BUSY_MS,
  type ConnectionState,
  type ConnectionStatus,
  HEARTBEAT_MS,
  statusFileName,
} from "./connection-status.ts";

/** Status files that were not written for this long are removed. */
const FORGOTTEN_MS = 60 * 60_000;

export interface StatusFile {
  received(bytes: number): void;
  sent(bytes: number): void;
  pinged(): void;
  ponged(): void;
  is(state: ConnectionState): void;
  /** Called for each write, instead of `pinged` and `ponged`. In ms. */
  measureWith(roundTrip: () => number | undefined): void;
  /** `lost`: the file stays and says so, until the next companion removes it. */
  end(last?: "lost"): Promise<void>;
}

export function statusDirectory(machine: Machine): string {
  return join(cacheDirectory(machine), "status");
}

/** Writes nothing for a workspace whose name cannot be part of a file name. */
export function openStatusFile(workspace: string, env: Machine["env"]): StatusFile {
  const name = statusFileName(workspace, process.pid);
  const path = name === undefined ? undefined : join(statusDirectory(thisMachine(env, homedir)), name);
  const since = Date.now();
  let [bytesIn, bytesOut, written, writtenAt] = [0, 0, 0, 0];
  let roundTripMs: number | null = null;
  let pingedAt: number | undefined;
  let state: ConnectionState = "connected";
  let measure = (): number | undefined => roundTripMs ?? undefined;
  let writing: Promise<void> = Promise.resolve();
  let busy = false;
  const write = (): void => {
    const now = Date.now();
    if (path === undefined || busy) return;
    if (bytesIn + bytesOut === written && now - writtenAt < HEARTBEAT_MS) return;
    busy = true;
    written = bytesIn + bytesOut;
    writtenAt = now;
    const measured = measure();
    const status: ConnectionStatus = {
      workspace,
      pid: process.pid,
      since,
      updatedAt: now,
      state,
      roundTripMs: measured === undefined ? null : Math.round(measured),
      bytesIn,
      bytesOut,
    };
    writing = replaceFile(path, `${JSON.stringify(status)}\n`)
      .catch(() => {
        // A full or read-only disk: the status bar shows less, but the connection works.
      })
      .finally(() => {
        busy = false;
      });
  };
  if (path !== undefined) removeOld(dirname(path)).catch(() => undefined);
  const timer = setInterval(write, BUSY_MS);
  timer.unref();
  return {
    received: (bytes) => {
      bytesIn += bytes;
    },
    sent: (bytes) => {
      bytesOut += bytes;
    },
    pinged: () => {
      pingedAt = performance.now();
    },
    ponged: () => {
      if (pingedAt !== undefined) roundTripMs = Math.round(performance.now() - pingedAt);
      pingedAt = undefined;
      writtenAt = 0;
    },
    is: (now) => {
      if (now === state) return;
      state = now;
      writtenAt = 0;
      write();
    },
    measureWith: (roundTrip) => {
      measure = roundTrip;
    },
    end: async (last) => {
      clearInterval(timer);
      await writing;
      if (path === undefined) return;
      if (last === undefined) await rm(path, { force: true });
      else {
        state = last;
        writtenAt = 0;
        write();
        await writing;
      }
    },
  };
}

/** Removes files of companions that were killed, or whose connection was lost. */
async function removeOld(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (Date.now() - (await stat(path)).mtimeMs > FORGOTTEN_MS) await rm(path, { force: true });
  }
}

/** Without fsync: after a crash the status is obsolete anyway. */
async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}
