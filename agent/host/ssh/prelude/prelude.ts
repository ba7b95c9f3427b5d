// A few lines of shell that go before a session's process and then become it (exec). They do what neither Node nor the
// PTY library can: close what the process would inherit (other sessions' terminals among it: the PTY library does not
// mark them), give back the limit of open files that Node has raised, name the process (argv[0]), and set up the
// terminal. What the client sent for the process must neither steer this shell nor be changed by it: the script works
// with positional parameters, and takes back what the shell itself adds to the environment.

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isEncodable } from "../../../../protocol/values/byte-text.ts";
import { DECODE_WORDS, encodeWords } from "../../../platform/byte-words.ts";
import type { ProcessSpec } from "../session/session-process.ts";
import { type PreludeShell, preludeShell } from "./prelude-shell.ts";

interface Prelude {
  readonly file: string;
  readonly args: string[];
  readonly environment: Readonly<Record<string, string>>;
}

// A function has positional parameters of its own, and a variable could be one that the client sent.
export const CLOSE_INHERITED = `close_inherited() {
  while [ $# -gt 0 ]; do
    case \${1##*/} in [012]) ;; [0-9]*) eval "exec \${1##*/}>&-" ;; esac
    shift
  done
}
close_inherited ${process.platform === "linux" ? "/proc/self/fd" : "/dev/fd"}/*`;
// No globbing and no quoting for the modes: they are words of ours (terminal-modes.ts).
const SET_UP_TERMINAL = 'set -f; [ -z "$1" ] || stty $1 2>/dev/null; SSH_TTY=$(tty); export SSH_TTY';
const SET_LIMIT = '[ -z "$2" ] || ulimit -S -n "$2" 2>/dev/null';
// The locale, and what is not UTF-8. A shell complains of a locale that the machine does not have. The one that follows may; this
// one stays unheard.
const EXPORT = '{ shift 2; while [ "$1" != -- ]; do export "$1"; shift; done; shift; } 2>/dev/null';
// bash sets SHLVL again as it leaves, except as an array, which it does not export.
const FORGET = `unset PWD OLDPWD SHLVL; [ -z "\${BASH_VERSION-}" ] || { unset _; declare -a SHLVL; }`;
// No client may send a name that begins like that (environment-requests.ts), so it is not exported.
const MARK = "SALLYPORT_ARGV0=$1";
const BECOME = `${MARK}; shift; exec -a "$SALLYPORT_ARGV0" "$@"`;
// A shell that cannot rename: its login shells are told so by the option that every common shell has.
const BECOME_UNNAMED = `${MARK}; case $1 in -*) SALLYPORT_FILE=$2; shift 2; exec "$SALLYPORT_FILE" -l "$@" ;; esac; shift; exec "$@"`;

/** `modes`: words for stty(1), where the process has a terminal. */
export function withPrelude(
  spec: ProcessSpec,
  modes: readonly string[] | undefined,
  shell: PreludeShell = preludeShell(spec.file),
): Prelude {
  const variables = Object.entries(spec.environment);
  const isExported = ([name, value]: readonly [string, string]) =>
    /^(LANG|LANGUAGE|LC_\w+)$/.test(name) || !isEncodable(value);
  const exported = variables.filter(isExported).map(([name, value]) => `${name}=${value}`);
  const environment = Object.fromEntries(variables.filter((variable) => !isExported(variable)));

  const limit = spec.openFiles === undefined ? "" : String(spec.openFiles);
  const words = [modes?.join(" ") ?? "", limit, ...exported, "--", spec.argv0, spec.file, ...spec.args];
  const isPlain = words.every(isEncodable);
  const script = [
    ...(isPlain ? [] : [DECODE_WORDS]),
    ...(shell.isFull ? [CLOSE_INHERITED] : []),
    ...(modes === undefined ? [] : [SET_UP_TERMINAL]),
    SET_LIMIT,
    EXPORT,
    FORGET,
    shell.isFull ? BECOME : BECOME_UNNAMED,
  ].join("; ");
  const [file, ...options] = shell.command;
  return {
    file,
    args: [...options, script, "sallyport", ...(isPlain ? words : encodeWords(words))],
    environment: { ...environment, ...shell.environment },
  };
}

/** Nobody's command line looks like the prelude's for longer than this (ms), except on purpose. */
const LONGEST_PRELUDE_MS = 10_000;

/**
 * Resolves once the process is what was asked for, or has ended. A signal that comes earlier may be lost: a shell notes
 * it, and forgets it as it becomes the process. At once where there is no /proc.
 */
export async function afterPrelude(pid: number): Promise<void> {
  const deadline = Date.now() + LONGEST_PRELUDE_MS;
  while (isPrelude(pid) && Date.now() < deadline) await delay(5);
}

function isPrelude(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(MARK);
  } catch {
    return false;
  }
}
