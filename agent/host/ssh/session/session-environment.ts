// The environment that a session's process starts with. As under sshd it is built from scratch and not inherited: the
// host's own variables, its tokens above all, stay with the host.

import { statSync } from "node:fs";
import type { ShellUser } from "./shell-user.ts";

export interface SessionFacts {
  /** The client's and our end of the connection, as `SSH_CONNECTION` has them. */
  readonly client: { readonly address: string; readonly port: number };
  readonly server: { readonly address: string; readonly port: number };
  /** What the client asked for, where something else runs instead. */
  readonly originalCommand: string | undefined;
  readonly agentSocket: string | undefined;
  /** TERM, with a PTY. */
  readonly term: string | undefined;
}

/** Taken from the host's own environment: variables that a login sets on any machine. */
const INHERITED = /^(PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|XDG_RUNTIME_DIR)$/;
/** Directories that the host may outlive. Programs fail where they are gone, but choose others where they are not set. */
const DIRECTORIES = /^(TMPDIR|XDG_RUNTIME_DIR)$/;
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** `requested`: what EnvironmentRequests has accepted. It overrides inherited variables, but not USER, HOME and the like. */
export function sessionEnvironment(
  host: Readonly<Record<string, string | undefined>>,
  requested: ReadonlyMap<string, string>,
  user: ShellUser,
  facts: SessionFacts,
  isDirectory: (path: string) => boolean = existsAsDirectory,
): Record<string, string> {
  const environment: Record<string, string> = { PATH: DEFAULT_PATH };
  for (const [name, value] of Object.entries(host)) {
    if (value === undefined || !INHERITED.test(name)) continue;
    if (!DIRECTORIES.test(name) || isDirectory(value)) environment[name] = value;
  }
  Object.assign(environment, Object.fromEntries(requested));
  Object.assign(environment, {
    USER: user.name,
    LOGNAME: user.name,
    HOME: user.home,
    SHELL: user.shell,
    SSH_CLIENT: `${facts.client.address} ${facts.client.port} ${facts.server.port}`,
    SSH_CONNECTION: `${facts.client.address} ${facts.client.port} ${facts.server.address} ${facts.server.port}`,
  });
  if (process.platform === "linux") environment.MAIL = `/var/mail/${user.name}`;
  if (facts.term !== undefined) environment.TERM = facts.term;
  if (facts.originalCommand !== undefined) environment.SSH_ORIGINAL_COMMAND = facts.originalCommand;
  if (facts.agentSocket !== undefined) environment.SSH_AUTH_SOCK = facts.agentSocket;
  return environment;
}

function existsAsDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // Missing, or closed to this user: a host that was started with sudo may name a different user's directory.
    return false;
  }
}
