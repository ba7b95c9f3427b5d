// Ends what a session started once its connection is gone: hang-up first, as a terminal line would; then, after a
// grace, SIGKILL for those of the process group who are still there and did not choose to ignore the hang-up (nohup).

import { readdirSync, readFileSync } from "node:fs";

/** Sends to every member; false if none is left. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    // ESRCH: all have ended. EPERM: what is left is another user's, started through sudo or the like.
    return false;
  }
}

/** Returns at once; the kill happens after `grace` ms, unless the host itself ends earlier. */
export function hangUp(group: number, grace: number): void {
  if (!signalGroup(group, "SIGHUP")) return;
  signalGroup(group, "SIGCONT");
  setTimeout(() => killStubborn(group), grace).unref();
}

function killStubborn(group: number): void {
  const members = processes().filter((entry) => entry.group === group);
  for (const { pid } of members) {
    if (ignoresHangUp(pid)) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** The foreground process group of the terminal that `leader` leads; undefined where the system does not tell. */
export function foregroundGroup(leader: number): number | undefined {
  const group = readStat(leader)?.foreground;
  return group === undefined || group <= 0 ? undefined : group;
}

function processes(): { pid: number; group: number }[] {
  return readdir("/proc").flatMap((name) => {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    return stat === undefined ? [] : [{ pid: Number(name), group: stat.group }];
  });
}

/** Fields behind the name, which may hold anything (proc(5)): state, ppid, pgrp, session, tty_nr, tpgid. */
function readStat(pid: number): { group: number; foreground: number } | undefined {
  const text = read(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (fields.length < 6) return undefined;
  return { group: Number(fields[2]), foreground: Number(fields[5]) };
}

function ignoresHangUp(pid: number): boolean {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(read(`/proc/${pid}/status`))?.[1];
  // SIGHUP is signal 1, bit 0.
  return mask !== undefined && (Number.parseInt(mask.slice(-1), 16) & 1) === 1;
}

function readdir(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    // No /proc (macOS): the hang-up has to do.
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // The process has ended, or there is no /proc.
    return "";
  }
}
