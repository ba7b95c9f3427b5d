// What managing a service asks of the machine. Tests put a different machine in its place.

import { execFile } from "node:child_process";
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
    run: ([program = "", ...args]) =>
      new Promise((resolve) => {
        const options = { env, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT, encoding: "utf8" } as const;
        execFile(program, args, options, (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
          const missing = errorCode(error) === "ENOENT";
          resolve({ code: missing ? undefined : code, stdout, stderr });
        });
      }),
  };
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
