// A few lines of shell that go before a session's process and then become it (exec). They do what neither Node nor the
// PTY library can: close what the process would inherit (other sessions' terminals among it: the PTY library does not
// mark them), name the process (argv[0]), and set up the terminal.

import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { ProcessSpec } from "./session-process.ts";

export interface Prelude {
  readonly file: string;
  readonly args: string[];
  readonly environment: Readonly<Record<string, string>>;
}

const CLOSE_INHERITED = `for n in /dev/fd/*; do n=\${n##*/}; [ "$n" -gt 2 ] && eval "exec $n>&-"; done`;
// No globbing and no quoting for the modes: they are words of ours (terminal-modes.ts).
const SET_UP_TERMINAL = 'set -f; [ -z "$1" ] || stty $1 2>/dev/null; SSH_TTY=$(tty); export SSH_TTY';
// A shell complains of a locale that the machine does not have. The one that follows may; this one stays unheard.
const SET_LOCALE = 'a=$2 f=$3; shift 3; while [ "$1" != -- ]; do export "$1"; shift; done 2>/dev/null; shift';

/** `modes`: words for stty(1), where the process has a terminal. */
export function withPrelude(spec: ProcessSpec, modes: readonly string[] | undefined): Prelude {
  const variables = Object.entries(spec.environment);
  const isLocale = ([name]: readonly [string, string]) => /^(LANG|LANGUAGE|LC_\w+)$/.test(name);
  const locale = variables.filter(isLocale).map(([name, value]) => `${name}=${value}`);
  const environment = Object.fromEntries(variables.filter((variable) => !isLocale(variable)));
  const first = ["sallyport", modes?.join(" ") ?? "", spec.argv0, spec.file, ...locale, "--"];
  const terminal = modes === undefined ? [] : [SET_UP_TERMINAL];

  const bash = [spec.file, "/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"].find(
    (path) => basename(path) === "bash" && existsSync(path),
  );
  if (bash !== undefined) {
    const script = [CLOSE_INHERITED, ...terminal, SET_LOCALE, 'exec -a "$a" "$f" "$@"'].join("; ");
    return { file: bash, args: ["--norc", "--noprofile", "-c", script, ...first, ...spec.args], environment };
  }
  // Other shells close one-digit descriptors at most and do not rename: a login shell is told so by the option that
  // every common shell has.
  const login = spec.argv0.startsWith("-") ? ["-l"] : [];
  const script = [...terminal, SET_LOCALE, 'exec "$f" "$@"'].join("; ");
  return { file: "/bin/sh", args: ["-c", script, ...first, ...login, ...spec.args], environment };
}
