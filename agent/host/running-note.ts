// The note that a running host keeps in its state directory: which process and version it is, and whether it is online.
// `sallyport host install-service` waits for it, and `service-status` shows it. A host never fails because of it.

import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Check } from "typebox/value";

const Note = Type.Object({
  pid: Type.Integer({ minimum: 1 }),
  /** Of the program. */
  version: Type.String({ maxLength: 100 }),
  /** In ms since 1970. */
  startedAt: Type.Number(),
  gateway: Type.String({ maxLength: 2048 }),
  name: Type.String({ maxLength: 256 }),
  online: Type.Boolean(),
  /** Why it is not online; empty: it has not been yet, or it is. */
  why: Type.String({ maxLength: 4096 }),
});

export type RunningNote = Type.Static<typeof Note>;

const MAX_BYTES = 16 * 1024;

function noteFile(state: string): string {
  return join(state, "running.json");
}

/** @param fixed what stays the same for as long as the host runs */
export function keepRunningNote(state: string, fixed: Omit<RunningNote, "pid" | "online" | "why">) {
  const path = noteFile(state);
  const write = (online: boolean, why: string): void => {
    const temporary = `${path}.${randomUUID()}.tmp`;
    const note: RunningNote = { ...fixed, pid: process.pid, online, why: why.slice(0, 1000) };
    try {
      writeFileSync(temporary, `${JSON.stringify(note)}\n`, { mode: 0o600, flag: "wx" });
      renameSync(temporary, path);
    } catch {
      // A full disk: the status says less, and the host works.
      rmSync(temporary, { force: true });
    }
  };
  write(false, "");
  return {
    online: () => write(true, ""),
    offline: (why: string) => write(false, why),
    /** Removes the note, unless another host has begun its own since. */
    end: () => {
      if (readRunningNote(state)?.pid === process.pid) rmSync(path, { force: true });
    },
  };
}

/**
 * undefined: there is none that can be read. The process may have ended without removing it. Root reads it in directories of
 * others, who could put a pipe there, or much.
 */
export function readRunningNote(state: string): RunningNote | undefined {
  try {
    const descriptor = openSync(noteFile(state), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const facts = fstatSync(descriptor);
      if (!facts.isFile() || facts.size > MAX_BYTES) return undefined;
      const note: unknown = JSON.parse(readFileSync(descriptor, "utf8"));
      return Check(Note, note) ? note : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}
