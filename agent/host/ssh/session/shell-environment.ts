// The environment that a session's process starts with. As with sshd it is built from nothing, not inherited: what the
// host runs with (its tokens above all) stays with the host.

import { statSync } from "node:fs";
import { bytesOf } from "../../../../protocol/values/byte-text.ts";

/** The person that the host runs as. */
export interface ShellUser {
  readonly name: string;
  readonly home: string;
  readonly shell: string;
}

export interface SessionFacts {
  /** The client's and our end of the connection, as `SSH_CONNECTION` has them. */
  readonly client: { readonly address: string; readonly port: number };
  readonly server: { readonly address: string; readonly port: number };
  /** What the client asked for, where something else runs in its place. */
  readonly originalCommand: string | undefined;
  readonly agentSocket: string | undefined;
  /** TERM, with a PTY. */
  readonly term: string | undefined;
}

/** Taken over from the host's own environment: what a login gives on any machine. */
const INHERITED = /^(PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|XDG_RUNTIME_DIR)$/;
/** A host outlives these: programs that trust them would fail where without them they would find another place. */
const DIRECTORIES = /^(TMPDIR|XDG_RUNTIME_DIR)$/;
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** `requested` has passed an `EnvironmentRequests`; what the host sets wins over it. */
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
    // Not there, or not for this user: a host that sudo started may have somebody else's.
    return false;
  }
}

/** As sshd: what is beyond is left out. */
const MAX_VARIABLES = 128;
/** Of all of them together. Linux takes 2 MiB of arguments and variables where the stack has its usual 8. */
const MAX_TOTAL_BYTES = 1024 * 1024;
const MAX_CONFINED_BYTES = 64 * 1024;

/**
 * Variables that a client may not set, because they change which code a program loads or runs, or what the session
 * itself stands for. Whoever gets a shell may set them there; a client that is confined to a command may not reach
 * around it.
 */
const REFUSED = [
  /^(PATH|HOME|SHELL|USER|LOGNAME|MAIL|PWD|OLDPWD|SHLVL|TMPDIR|XDG_.*|DBUS_.*)$/,
  /^(LD_.*|DYLD_.*|GCONV_PATH|GLIBC_.*|MALLOC_.*|LOCPATH|NLSPATH|HOSTALIASES|RES_OPTIONS|LOCALDOMAIN)$/,
  /^(BASH_.*|BASHOPTS|SHELLOPTS|ENV|IFS|CDPATH|PS4|PROMPT_COMMAND|ZDOTDIR|FPATH|TERMINFO.*|TERMCAP)$/,
  /^(NODE_.*|NPM_.*|PYTHON.*|PERL.*|RUBY.*|GEM_.*|LUA_.*|CLASSPATH|.*JAVA_.*OPTIONS|PHPRC)$/,
  /^(LESSOPEN|LESSCLOSE|LESSKEY.*|MANPAGER|SUDO_.*|KRB5.*|OPENSSL_.*|SSH_.*|SALLYPORT_.*)$/,
  // What a shell computes itself, whatever it is told.
  /^(_|UID|EUID|PPID|GROUPS|RANDOM|SRANDOM|SECONDS|EPOCH.*|LINENO|OPTIND|OPTARG|PS1|PS2|HISTCMD|DIRSTACK|FUNCNAME|PIPESTATUS)$/,
  // GIT_PROTOCOL is how git asks for its protocol version, author and committer are text; the rest runs commands.
  /^GIT_(?!PROTOCOL$|AUTHOR_|COMMITTER_)/,
];

/** All that is left to a client whose key is confined to a command: what distributions set in `AcceptEnv`. */
const ALLOWED_WHEN_CONFINED = /^(LANG|LC_[A-Z]+)$/;

/** Collects one session's `env` requests. */
export class EnvironmentRequests {
  readonly variables = new Map<string, string>();
  readonly #confined: boolean;
  readonly #maxBytes: number;
  #bytes = 0;
  #tooMuch = false;

  constructor(confined: boolean) {
    this.#confined = confined;
    this.#maxBytes = confined ? MAX_CONFINED_BYTES : MAX_TOTAL_BYTES;
  }

  /** Why there is nothing to start with them; undefined: there is. */
  get tooMuch(): string | undefined {
    return this.#tooMuch ? `the variables have more than ${this.#maxBytes} bytes together` : undefined;
  }

  /** False: refused; the client goes on without it. */
  add(name: string, value: string): boolean {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) return false;
    if (this.#confined ? !ALLOWED_WHEN_CONFINED.test(name) : REFUSED.some((rule) => rule.test(name)))
      return false;
    if (this.variables.size >= MAX_VARIABLES) return false;
    this.#bytes += name.length + bytesOf(value).length;
    this.#tooMuch = this.#bytes > this.#maxBytes;
    if (this.#tooMuch) return false;
    this.variables.set(name, value);
    return true;
  }
}
