// A process on a PTY: its output is kept until it is read, however long the process has ended by then.

import { writeSync } from "node:fs";
import { Writable } from "node:stream";
import { ReadStream } from "node:tty";
import { withPrelude } from "../prelude/prelude.ts";
import { type PreludeShell, preludeShell } from "../prelude/prelude-shell.ts";
import { PtyUnavailable, ptyBinding } from "./node-pty-private.ts";
import type { ProcessExit, ProcessSpec, SessionProcess } from "./session-process.ts";
import { signalByNumber } from "./signals.ts";

export interface Terminal {
  columns: number;
  rows: number;
  /** For stty(1), see terminal-modes.ts. */
  readonly modes: readonly string[];
}

/** After the process has ended, what others on its terminal write counts for this long (ms); sshd waits for none. */
const LINGER_MS = 50;

/** @throws PtyUnavailable if sessions of this shell have to go without */
export function checkPty(shell: string): void {
  ptyBinding();
  if (preludeShell(shell).leaks) {
    throw new PtyUnavailable(
      "There is no PTY, since the next session would inherit it: install bash, or run the host with Node 22.15 or newer.",
    );
  }
}

/** @throws PtyUnavailable; Error if there is no free PTY */
export function startOnPty(spec: ProcessSpec, terminal: Terminal, shell?: PreludeShell): SessionProcess {
  const binding = ptyBinding();
  const { file, args, environment } = withPrelude(spec, terminal.modes, shell);
  let resolveExit: (exit: ProcessExit) => void;
  const exited = new Promise<ProcessExit>((resolve) => {
    resolveExit = resolve;
  });
  const { fd, pid } = binding.fork({
    file,
    args,
    environment,
    cwd: spec.cwd,
    columns: clampSize(terminal.columns),
    rows: clampSize(terminal.rows),
    onExit: (code, signal) => {
      resolveExit({ code, signal: signal === 0 ? undefined : signalByNumber(signal) });
      closeWhenQuiet(output);
    },
  });
  const output = new ReadStream(fd);
  // EIO is how a terminal without processes ends.
  output.on("error", () => {});
  return {
    pid,
    input: terminalWriter(fd, output),
    output,
    errors: undefined,
    exited,
    resize(columns, rows) {
      if (!output.destroyed) binding.resize(fd, clampSize(columns), clampSize(rows));
    },
    // The kernel hangs up: shell and foreground get SIGHUP (tty_ioctl(4)), and what a shell does with it is its own.
    hangUp: () => output.destroy(),
  };
}

function clampSize(size: number): number {
  return Math.min(Math.max(size, 0), 0xffff);
}

/** The process has ended; what it wrote is still to be read, however slow the reader. */
function closeWhenQuiet(output: ReadStream): void {
  let seen = -1;
  const timer = setInterval(() => {
    const isQuiet = output.bytesRead === seen && output.readableLength === 0 && !output.isPaused();
    // A reader that has just begun again gets the whole of the time.
    seen = output.isPaused() ? -1 : output.bytesRead;
    if (isQuiet) output.destroy();
    if (output.destroyed) clearInterval(timer);
  }, LINGER_MS);
  output.once("close", () => clearInterval(timer));
}

/**
 * Input goes past `output`'s own writable side: an error there (nobody on the terminal any more) would take unread
 * output with it. The descriptor does not block; a full terminal is tried again.
 */
function terminalWriter(fd: number, output: ReadStream): Writable {
  return new Writable({
    highWaterMark: 64 * 1024,
    decodeStrings: true,
    write(data: Buffer, _encoding, done) {
      let rest = data;
      let pause = 1;
      const attempt = () => {
        // Past the end, input goes nowhere, as on any terminal.
        if (output.destroyed) return done();
        const written = writeSome(fd, rest);
        if (written === "closed") return done();
        rest = rest.subarray(written);
        if (rest.length === 0) return done();
        pause = written > 0 ? 1 : Math.min(pause * 2, 50);
        setTimeout(attempt, pause);
      };
      attempt();
    },
  });
}

function writeSome(fd: number, data: Buffer): number | "closed" {
  try {
    return writeSync(fd, data);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code === "EAGAIN" ? 0 : "closed";
  }
}
