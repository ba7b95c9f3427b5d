// A command in a terminal of a given size, as a person has one: ssh takes the size of its own terminal.

import { spawn } from "@lydell/node-pty";
import { CheckFailed, tail } from "../../test/support/programs/shell-command.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface TerminalSession {
  /** Resolves once the output so far matches. */
  shows(pattern: RegExp): Promise<void>;
  resize(size: Size): void;
}

/** Runs `line` in a terminal while `use` watches it; then expects it to end with status 0. */
export async function runInTerminal(
  line: string,
  size: Size,
  signal: AbortSignal,
  use: (session: TerminalSession) => Promise<void>,
): Promise<void> {
  signal.throwIfAborted();
  const pty = spawn("sh", ["-c", line], { cols: size.columns, rows: size.rows });
  let output = "";
  let status: number | undefined;
  let changed = () => {};
  pty.onData((part) => {
    output += part;
    changed();
  });
  const ended = new Promise<void>((resolve) => {
    pty.onExit(({ exitCode }) => {
      status = exitCode;
      changed();
      resolve();
    });
  });
  const kill = () => {
    if (status === undefined) pty.kill("SIGHUP");
    changed();
  };
  signal.addEventListener("abort", kill, { once: true });
  const shows = async (pattern: RegExp) => {
    while (!pattern.test(output)) {
      signal.throwIfAborted();
      if (status !== undefined) throw new CheckFailed(`ended with ${status}\n${tail(output)}`.trimEnd());
      await new Promise<void>((resolve) => {
        changed = resolve;
      });
    }
  };
  try {
    await use({ shows, resize: ({ columns, rows }) => pty.resize(columns, rows) });
    await ended;
    if (status !== 0) throw new CheckFailed(`exit status ${status}, expected 0\n${tail(output)}`.trimEnd());
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
    await ended;
  }
}
