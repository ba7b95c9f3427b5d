// The soft limit of open files (RLIMIT_NOFILE) that this program was started with. Node raises its own to the hard limit
// before any of our code runs and keeps no note, so it is asked of those who started it. Programs that select(2), or
// close every descriptor that there may be, want the lower one.

import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

/** What is read of the machine; throws where it cannot be. */
export interface ProcessFacts {
  readonly pid: number;
  /** A file of proc(5), by its path below /proc. */
  readFile(path: string): string;
  readLink(path: string): string;
  systemctl(args: readonly string[]): string;
}

/** undefined where nobody can tell: not on Linux, or as the first process of a container. */
export function openFilesAtStart(facts: ProcessFacts = thisProcess): number | undefined {
  try {
    const { pid, readFile, readLink, systemctl } = facts;
    const own = basename(readLink(`${pid}/exe`));
    for (
      let parent = parentOf(readFile(`${pid}/stat`));
      parent > 0;
      parent = parentOf(readFile(`${parent}/stat`))
    ) {
      if (readFile(`${parent}/comm`).trim() === "systemd")
        return serviceLimit(readFile(`${pid}/cgroup`), systemctl);
      // Another Node, as of npx or an editor, has raised its own as well.
      if (programOf(parent, readLink) !== own) return softLimit(readFile(`${parent}/limits`));
    }
  } catch {
    // No /proc, or a process that has ended: sessions keep what this process has.
  }
  return undefined;
}

const thisProcess: ProcessFacts = {
  pid: process.pid,
  readFile: (path) => readFileSync(`/proc/${path}`, "latin1"),
  readLink: (path) => readlinkSync(`/proc/${path}`),
  systemctl: (args) =>
    execFileSync("systemctl", [...args], {
      encoding: "utf8",
      timeout: 2000,
      stdio: ["ignore", "pipe", "ignore"],
    }),
};

/** The second field behind the name, which may hold anything (proc(5)). */
function parentOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** undefined: another user's. */
function programOf(pid: number, readLink: ProcessFacts["readLink"]): string | undefined {
  try {
    return basename(readLink(`${pid}/exe`));
  } catch {
    return undefined;
  }
}

function softLimit(limits: string): number | undefined {
  return count(/^Max open files\s+(\S+)/m.exec(limits)?.[1]);
}

/** systemd does not give its own limits to its services. */
function serviceLimit(cgroup: string, systemctl: ProcessFacts["systemctl"]): number | undefined {
  const path = /^0::(\S+)$/m.exec(cgroup)?.[1] ?? "";
  const unit = basename(path);
  if (!/^[\w@:.\\-]+\.service$/.test(unit)) return undefined;
  const manager = path.includes("/user@") ? ["--user"] : [];
  return count(systemctl([...manager, "show", "--property=LimitNOFILESoft", "--value", "--", unit]).trim());
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}
