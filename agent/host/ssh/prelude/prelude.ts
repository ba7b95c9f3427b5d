// The prelude: a few lines of shell that run before each process of a session and then become it (exec). They do what
// neither Node nor the PTY library can:
//
// - close descriptors that the process would inherit, such as other sessions' terminals, which the PTY library leaves open
// - restore the limit of open files, which Node has raised
// - name the process (argv[0])
// - set up the terminal
//
// Arguments and variables that the client sent must neither steer this shell nor be changed by it. Therefore the script
// works with positional parameters, and removes what the shell itself adds to the environment.

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

// A function, for positional parameters of its own: a variable could be one that the client sent.
export const CLOSE_INHERITED = `close_inherited() {
  while [ $# -gt 0 ]; do
    case \${1##*/} in [012]) ;; [0-9]*) eval "exec \${1##*/}>&-" ;; esac
    shift
  done
}
close_inherited ${process.platform === "linux" ? "/proc/self/fd" : "/dev/fd"}/*`;
// $1 is not quoted, so that the modes are split into words; they are words of ours (terminal-modes.ts).
const SET_UP_TERMINAL = 'set -f; [ -z "$1" ] || stty $1 2>/dev/null; SSH_TTY=$(tty); export SSH_TTY';
const SET_LIMIT = '[ -z "$2" ] || ulimit -S -n "$2" 2>/dev/null';
// Exports the locale, and variables that are not UTF-8. A shell complains about a locale that the machine does not have:
// the user's shell may do so, this one is silenced.
const EXPORT = '{ shift 2; while [ "$1" != -- ]; do export "$1"; shift; done; shift; } 2>/dev/null';
// bash sets SHLVL again at exec, except as an array, which it does not export.
const FORGET = `unset PWD OLDPWD SHLVL; [ -z "\${BASH_VERSION-}" ] || { unset _; declare -a SHLVL; }`;
// No client may send a variable with this prefix (environment-requests.ts), so the shell does not export this one.
const MARK = "SALLYPORT_ARGV0=$1";
const BECOME = `${MARK}; shift; exec -a "$SALLYPORT_ARGV0" "$@"`;
// For a shell without `exec -a`: -l, which all common shells have, makes a login shell.
const BECOME_UNNAMED = `${MARK}; case $1 in -*) SALLYPORT_FILE=$2; shift 2; exec "$SALLYPORT_FILE" -l "$@" ;; esac; shift; exec "$@"`;

/**
 * What to start instead of `spec`, so that the prelude runs first.
 * @param modes words for stty(1); undefined: the process has no terminal
 */
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
  const closesItself = shell.closedBy === "shell";
  const script = [
    ...(isPlain ? [] : [DECODE_WORDS]),
    ...(closesItself ? [CLOSE_INHERITED] : []),
    ...(modes === undefined ? [] : [SET_UP_TERMINAL]),
    SET_LIMIT,
    EXPORT,
    FORGET,
    closesItself ? BECOME : BECOME_UNNAMED,
  ].join("; ");
  const [file, ...options] = shell.command;
  return {
    file,
    args: [...options, script, "sallyport", ...(isPlain ? words : encodeWords(words))],
    environment: { ...environment, ...shell.environment },
  };
}

/** A command line that still looks like the prelude's after this long was made to look so. */
const LONGEST_PRELUDE_MS = 10_000;

/**
 * Resolves once the prelude has become the process, or the process has ended; at once where there is no /proc. A signal
 * that is sent earlier may be lost: a shell notes it, and forgets it at exec.
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
