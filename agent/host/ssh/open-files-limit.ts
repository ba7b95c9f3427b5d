// Finds the soft limit of open files (RLIMIT_NOFILE) that this program was started with, which sessions get. Node raises
// its own to the hard limit before any of our code runs and keeps no record, so the parent processes are looked at.
// Programs that call select(2), or close every possible descriptor, depend on the lower limit.

import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

/** Reads what the machine knows of processes; each call throws where it cannot be read. */
export interface ProcessFacts {
  readonly pid: number;
  /** A file of proc(5), by its path below /proc. */
  readFile(path: string): string;
  readLink(path: string): string;
  systemctl(args: readonly string[]): string;
}

/** undefined: not known, as outside Linux and in the first process of a container. */
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
      // A parent that is Node as well (npx, an editor) has raised its own limit too.
      if (programOf(parent, readLink) !== own) return softLimit(readFile(`${parent}/limits`));
    }
  } catch {
    // No /proc, or a process that has ended: sessions keep this process's limit.
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

/** The parent's id: the second field after the name, which may hold any character (proc(5)). */
function parentOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** undefined: the process of a different user. */
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

/** Asked of systemd, whose services do not inherit its own limits. */
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
