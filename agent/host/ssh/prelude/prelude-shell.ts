// Which shell runs the prelude (prelude.ts). It has to close descriptors of several digits and to name what it becomes:
// bash and busybox do, dash does neither, and there Node itself closes them before the shell begins.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename } from "node:path";

export interface PreludeShell {
  /** The program and its options, up to where the script goes. */
  readonly command: readonly [string, ...string[]];
  /** It closes descriptors and names processes; otherwise what goes before it has closed them. */
  readonly isFull: boolean;
  /** Nobody closes descriptors: no terminal may be opened, since later processes would inherit it. */
  readonly leaks: boolean;
  readonly environment: Readonly<Record<string, string>>;
}

const BASH = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"];
/** -p: it obeys none of the variables by which a client could steer it (SHELLOPTS, GLOBIGNORE, functions …). */
const BASH_OPTIONS = ["--norc", "--noprofile", "-p", "-c"];
const SH = "/bin/sh";

let sh: PreludeShell | undefined;

/** `userShell` is the one that the session runs: bash in a place of its own is found by it. */
export function preludeShell(userShell: string): PreludeShell {
  const bash = [userShell, ...BASH].find((path) => basename(path) === "bash" && existsSync(path));
  if (bash !== undefined) return full([bash, ...BASH_OPTIONS]);
  sh ??= withoutBash(SH);
  return sh;
}

/** `shell` may be any POSIX shell, with its options. */
export function withoutBash(...shell: readonly [string, ...string[]]): PreludeShell {
  if (isFull(shell)) return full([...shell, "-c"]);
  // Node ≥ 22.15.
  if (process.execve === undefined)
    return { command: [...shell, "-c"], isFull: false, leaks: true, environment: {} };
  return {
    command: [process.execPath, "--no-warnings", "-e", CLOSE_AND_BECOME, "--", ...shell, "-c"],
    isFull: false,
    leaks: false,
    // Where this program is an editor's Node.
    environment: process.versions.electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: "1" },
  };
}

function full(command: PreludeShell["command"]): PreludeShell {
  return { command, isFull: true, leaks: false, environment: {} };
}

/** Tried, not guessed by name: sh is bash on some machines and busybox on others. */
function isFull([file, ...options]: readonly [string, ...string[]]): boolean {
  const script = "exec 12>&-; [ -e /dev/fd/12 ] || exec -a named /bin/sh -c 'echo \"$0\"'";
  // 0 to 12, of which the last is what it has to close.
  const stdio: ("ignore" | "pipe")[] = ["ignore", "pipe", ...Array<"ignore">(10).fill("ignore"), "pipe"];
  const { stdout } = spawnSync(file, [...options, "-c", script], { stdio, env: {} });
  return String(stdout) === "named\n";
}

/** Node has marked some of what it inherited as it started, up to the first gap: the rest is what has no mark. */
const CLOSE_AND_BECOME = `
const { closeSync, readFileSync, readdirSync } = require("node:fs");
for (const fd of readdirSync("/proc/self/fd").map(Number)) {
  if (fd <= 2) continue;
  try {
    const flags = /^flags:\\s*([0-7]+)/m.exec(readFileSync("/proc/self/fdinfo/" + fd, "utf8"));
    if ((parseInt(flags[1], 8) & 0o2000000) === 0) closeSync(fd);
  } catch {}
}
// Node ignores these, and what is ignored stays so; what is caught does not.
for (const signal of ["SIGPIPE", "SIGXFSZ"]) process.on(signal, () => {});
const { ELECTRON_RUN_AS_NODE, ...environment } = process.env;
process.execve(process.argv[1], process.argv.slice(1), environment);
`;
