// Tells a status bar about the connection that this companion carries: a file that is written anew while it lives, and removed
// at its end. Nothing about the connection waits for it, and nothing fails with it.

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

/** Files that nobody has written for this long tell nobody anything. */
const FORGOTTEN_MS = 60 * 60_000;

export interface StatusFile {
  received(bytes: number): void;
  sent(bytes: number): void;
  pinged(): void;
  ponged(): void;
  is(state: ConnectionState): void;
  /** Asked at each writing, in place of `pinged` and `ponged`. Milliseconds. */
  measureWith(roundTrip: () => number | undefined): void;
  /** `lost`: what is written last stays, and says so; the next companion takes it away. */
  end(last?: "lost"): Promise<void>;
}

export function statusDirectory(machine: Machine): string {
  return join(cacheDirectory(machine), "status");
}

/** For a workspace whose name cannot be one of a file, nothing is written. */
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
        // A full or read-only disk: the status bar shows less, and the connection is as good.
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

/** What companions left that were killed, or whose connection was lost. */
async function removeOld(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (Date.now() - (await stat(path)).mtimeMs > FORGOTTEN_MS) await rm(path, { force: true });
  }
}

/** Without waiting for the disk: what is lost in a crash was only true before it. */
async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}
