// What managing a service asks of the machine. Tests put a different machine in its place.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { errorCode } from "../../platform/error-code.ts";
import { configDirectory, type Machine, thisMachine } from "../../platform/paths.ts";

export interface Ran {
  /** undefined: there is no such program. null: a signal ended it, or the time ran out. */
  readonly code: number | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServiceMachine extends Machine {
  readonly uid: number;
  readonly userName: string;
  exists(path: string): boolean;
  run(words: readonly string[]): Promise<Ran>;
}

/** `rc-service restart` waits until the old host has ended. */
const TIMEOUT_MS = 90_000;
/** From a program's end to that of its output. */
const LEFT_OPEN_MS = 1_000;
const MAX_OUTPUT = 1024 * 1024;

export function thisServiceMachine(given: Machine["env"]): ServiceMachine {
  const uid = process.getuid?.() ?? -1;
  const env = withUserBus(given, uid);
  return {
    ...thisMachine(given, homedir),
    env,
    uid,
    userName: ownName() ?? String(uid),
    exists: existsSync,
    run: (words) => runAside(words, env),
  };
}

/**
 * Runs it in a session of its own: a person may restart the host whose terminal they sit in, and the terminal's end must not
 * end the restart half-way.
 */
function runAside([program = "", ...args]: readonly string[], env: Machine["env"]): Promise<Ran> {
  const child = spawn(program, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (part: string) => {
      output[name] = (output[name] + part).slice(0, MAX_OUTPUT);
    });
  }
  let limit = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  return new Promise((resolve) => {
    const end = (code: Ran["code"]): void => {
      clearTimeout(limit);
      resolve({ ...output, code });
    };
    child.once("error", (error) => end(errorCode(error) === "ENOENT" ? undefined : null));
    child.once("close", end);
    // A daemon that it has started may keep its output open.
    child.once("exit", (code) => {
      clearTimeout(limit);
      limit = setTimeout(end, LEFT_OPEN_MS, code);
    });
  });
}

/** Where the person's units, and with them ours, are (systemd.unit(5)). */
export function unitDirectory(machine: Machine): string {
  const own = configDirectory({ ...machine, env: { XDG_CONFIG_HOME: machine.env.XDG_CONFIG_HOME } });
  return join(own, "..", "systemd", "user");
}

/** `su` and some ssh servers leave out the variable by which `systemctl --user` finds the person's manager. */
function withUserBus(env: Machine["env"], uid: number): Machine["env"] {
  const directory = `/run/user/${uid}`;
  if ((env.XDG_RUNTIME_DIR ?? "") !== "" || !existsSync(directory)) return env;
  return { ...env, XDG_RUNTIME_DIR: directory };
}

function ownName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the user database.
    return undefined;
  }
}
