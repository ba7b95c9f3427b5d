// Chooses the shell that runs the prelude (prelude.ts). It has to close descriptors with numbers of several digits, and to
// name the process that it becomes. bash and busybox can do both; dash can do neither, so that Node closes the descriptors
// before dash begins.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { type HelperScript, helperCommand } from "../../../platform/executable.ts";

export interface PreludeShell {
  /** The program and its options, up to where the script goes. */
  readonly command: readonly [string, ...string[]];
  /**
   * What closes inherited descriptors. `shell`: the prelude does; this shell can name processes too. `node`: the command
   * has done so before the prelude begins. `nothing`: no terminal may be opened, since later processes would inherit it.
   */
  readonly closedBy: "shell" | "node" | "nothing";
  /** Variables that the command needs. */
  readonly environment: Readonly<Record<string, string>>;
}

const BASH = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"];
/** -p: bash ignores the variables with which a client could steer it (SHELLOPTS, GLOBIGNORE, functions …). */
const BASH_OPTIONS = ["--norc", "--noprofile", "-p", "-c"];
const SH = "/bin/sh";

let sh: PreludeShell | undefined;

/** `userShell`: the session's own shell, which is used here if it is bash, wherever it is installed. */
export function preludeShell(userShell: string): PreludeShell {
  const bash = [userShell, ...BASH].find((path) => basename(path) === "bash" && existsSync(path));
  if (bash !== undefined) return capable([bash, ...BASH_OPTIONS]);
  sh ??= withoutBash(SH);
  return sh;
}

/** For machines without bash. `shell`: any POSIX shell, with its options. */
export function withoutBash(...shell: readonly [string, ...string[]]): PreludeShell {
  if (isCapable(shell)) return capable([...shell, "-c"]);
  // Node ≥ 22.15.
  if (process.execve === undefined) {
    return { command: [...shell, "-c"], closedBy: "nothing", environment: {} };
  }
  return {
    command: [...helperCommand(CLOSE_DESCRIPTORS), ...shell, "-c"],
    closedBy: "node",
    // For the Node of an editor.
    environment: process.versions.electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: "1" },
  };
}

function capable(command: PreludeShell["command"]): PreludeShell {
  return { command, closedBy: "shell", environment: {} };
}

/** Tried out, since sh is bash on some machines and busybox on others. */
function isCapable([file, ...options]: readonly [string, ...string[]]): boolean {
  const script = "exec 12>&-; [ -e /dev/fd/12 ] || exec -a named /bin/sh -c 'echo \"$0\"'";
  // Descriptors 0 to 12; the last is the one that it has to close.
  const stdio: ("ignore" | "pipe")[] = ["ignore", "pipe", ...Array<"ignore">(10).fill("ignore"), "pipe"];
  const { stdout } = spawnSync(file, [...options, "-c", script], { stdio, env: {} });
  return String(stdout) === "named\n";
}

/** At its start, Node marks inherited descriptors as close-on-exec, but only up to the first gap in their numbers. */
export const CLOSE_DESCRIPTORS: HelperScript = {
  name: "close-descriptors",
  source: `
const { closeSync, readFileSync, readdirSync } = require("node:fs");
for (const fd of readdirSync("/proc/self/fd").map(Number)) {
  if (fd <= 2) continue;
  try {
    const flags = /^flags:\\s*([0-7]+)/m.exec(readFileSync("/proc/self/fdinfo/" + fd, "utf8"));
    if ((parseInt(flags[1], 8) & 0o2000000) === 0) closeSync(fd);
  } catch {}
}
// Node ignores these, and ignored signals stay ignored across exec; caught ones are reset.
for (const signal of ["SIGPIPE", "SIGXFSZ"]) process.on(signal, () => {});
const { ELECTRON_RUN_AS_NODE, ...environment } = process.env;
process.execve(process.argv[1], process.argv.slice(1), environment);
`,
};
