// The user that the host runs as, and with it all sessions. A user id need not have an entry in the user database:
// containers are run with any number (`docker run --user 1234`, OpenShift).

import { userInfo } from "node:os";

export interface ShellUser {
  readonly name: string;
  readonly home: string;
  readonly shell: string;
}

/** `shell` replaces the login shell. Without an entry, the environment says who the user is, as it does for sh(1). */
export function shellUser(
  shell: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  entry: () => Entry = userInfo,
): ShellUser {
  const { username, homedir, shell: login } = read(entry) ?? withoutEntry(environment);
  return { name: username, home: homedir, shell: shell ?? (login || "/bin/sh") };
}

interface Entry {
  readonly username: string;
  readonly homedir: string;
  readonly shell: string | null;
}

function read(entry: () => Entry): Entry | undefined {
  try {
    return entry();
  } catch {
    return undefined;
  }
}

function withoutEntry(environment: Readonly<Record<string, string | undefined>>): Entry {
  const home = environment.HOME;
  return {
    // LOGNAME and USER have no meaning without an entry: programs that look a name up would not find it.
    username: environment.USER || environment.LOGNAME || String(process.getuid?.() ?? 0),
    homedir: home?.startsWith("/") ? home : "/",
    shell: environment.SHELL ?? null,
  };
}
