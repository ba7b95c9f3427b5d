// What a process has used, from /proc (proc(5)): Linux only, as the whole benchmark is.

import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ, which proc(5) counts in, is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds of a process, and of its children that it has waited for; undefined once it is gone. */
export function cpuSeconds(pid: number): number | undefined {
  const fields = statFields(pid);
  if (fields === undefined) return undefined;
  // utime, stime, cutime, cstime: fields 14 to 17; the list begins with field 3.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticks / TICKS_PER_SECOND;
}

/** Resident memory in KiB. */
export function residentKiB(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (found === null) throw new Error(`process ${pid} has no VmRSS`);
  return Number(found[1]);
}

/** CPU seconds of `roots`, of all that lives below them, and of what these have waited for. */
export function treeCpuSeconds(roots: readonly number[]): number {
  return trees(roots).reduce((sum, pid) => sum + (cpuSeconds(pid) ?? 0), 0);
}

/** Resident memory of `roots` and of all below them, KiB. */
export function treeResidentKiB(roots: readonly number[]): number {
  return trees(roots).reduce((sum, pid) => sum + residentKiB(pid), 0);
}

function trees(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const pid of readdirSync("/proc").map(Number).filter(Number.isInteger)) {
    const parent = parentOf(pid);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = new Set(roots);
  // A set that grows while it is walked is walked to its new end.
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

/** The process below `root` whose command line has `word` as one of its arguments. */
export function findBelow(root: number, word: string): number | undefined {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.find((pid) => commandLine(pid).includes(word) && isBelow(pid, root));
}

export function hasChildren(pid: number): boolean {
  return childrenOf(pid).length > 0;
}

export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter(Number.isInteger)
    .filter((child) => parentOf(child) === pid);
}

function isBelow(pid: number, root: number): boolean {
  for (let at = parentOf(pid); at !== undefined && at > 1; at = parentOf(at)) {
    if (at === root) return true;
  }
  return false;
}

function parentOf(pid: number): number | undefined {
  const field = statFields(pid)?.[1];
  return field === undefined ? undefined : Number(field);
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // It ended meanwhile.
  }
}

/** The fields of /proc/PID/stat from the third on: the second, the name in brackets, may hold anything. */
function statFields(pid: number): string[] | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined; // It ended meanwhile.
  }
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}
