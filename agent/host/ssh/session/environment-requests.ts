// The variables that a client sends for its session (`env` requests, RFC 4254 §6.4), and which of them are taken.

import { bytesOf } from "../../../../protocol/values/byte-text.ts";

/** Further ones are left out, as under sshd. */
const MAX_VARIABLES = 128;
/** The limit of all variables together. Linux takes 2 MiB of arguments and variables where the stack has its usual 8 MiB. */
const MAX_TOTAL_BYTES = 1024 * 1024;
const MAX_CONFINED_BYTES = 64 * 1024;

/**
 * Variables that a client may not set, because they change which code a program loads or runs, or what the session itself
 * stands for. A client with a shell may set them there; one that is confined to a command must not get around it.
 */
const REFUSED = [
  /^(PATH|HOME|SHELL|USER|LOGNAME|MAIL|PWD|OLDPWD|SHLVL|TMPDIR|XDG_.*|DBUS_.*)$/,
  /^(LD_.*|DYLD_.*|GCONV_PATH|GLIBC_.*|MALLOC_.*|LOCPATH|NLSPATH|HOSTALIASES|RES_OPTIONS|LOCALDOMAIN)$/,
  /^(BASH_.*|BASHOPTS|SHELLOPTS|ENV|IFS|CDPATH|PS4|PROMPT_COMMAND|ZDOTDIR|FPATH|TERMINFO.*|TERMCAP)$/,
  /^(NODE_.*|NPM_.*|PYTHON.*|PERL.*|RUBY.*|GEM_.*|LUA_.*|CLASSPATH|.*JAVA_.*OPTIONS|PHPRC)$/,
  /^(LESSOPEN|LESSCLOSE|LESSKEY.*|MANPAGER|SUDO_.*|KRB5.*|OPENSSL_.*|SSH_.*|SALLYPORT_.*)$/,
  // Variables that a shell computes itself.
  /^(_|UID|EUID|PPID|GROUPS|RANDOM|SRANDOM|SECONDS|EPOCH.*|LINENO|OPTIND|OPTARG|PS1|PS2|HISTCMD|DIRSTACK|FUNCNAME|PIPESTATUS)$/,
  // GIT_PROTOCOL names git's protocol version, and author and committer are text; other GIT_ variables run commands.
  /^GIT_(?!PROTOCOL$|AUTHOR_|COMMITTER_)/,
];

/** All that a client may set whose key is confined to a command: what distributions set in `AcceptEnv`. */
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

  /** Why no process can start with these variables; undefined: one can. */
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
