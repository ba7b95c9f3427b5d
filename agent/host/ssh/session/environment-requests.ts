// The variables that a client sends for its session (`env` requests, RFC 4254 §6.4), and which of them are taken.

import { bytesOf } from "../../../../protocol/values/byte-text.ts";

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
