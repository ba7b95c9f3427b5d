// Starts a process on a PTY. Its output is kept until it is read, however long ago the process has ended.

import { writeSync } from "node:fs";
import { Writable } from "node:stream";
import { ReadStream } from "node:tty";
import { errorCode } from "../../../platform/error-code.ts";
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

/** After the process has ended, its terminal is closed once nothing was written to it for this long. sshd does not wait. */
const LINGER_MS = 50;

/** @throws PtyUnavailable if sessions of this shell have to go without */
export function checkPty(shell: string): void {
  ptyBinding();
  if (preludeShell(shell).closedBy === "nothing") {
    throw new PtyUnavailable(
      "There is no PTY, because later sessions would inherit it: install bash, or run the host with Node 22.15 or newer.",
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

/** Closes the terminal of a process that has ended, once all that was written is read, however slow the reader is. */
function closeWhenQuiet(output: ReadStream): void {
  let seen = -1;
  const timer = setInterval(() => {
    const isQuiet = output.bytesRead === seen && output.readableLength === 0 && !output.isPaused();
    // A reader that has just resumed gets the full time.
    seen = output.isPaused() ? -1 : output.bytesRead;
    if (isQuiet) output.destroy();
    if (output.destroyed) clearInterval(timer);
  }, LINGER_MS);
  output.once("close", () => clearInterval(timer));
}

/**
 * Writes input to the descriptor and not to `output`'s own writable side: an error there (no process has the terminal any
 * more) would discard unread output. The descriptor does not block; while the terminal is full, the write is tried again.
 */
function terminalWriter(fd: number, output: ReadStream): Writable {
  return new Writable({
    highWaterMark: 64 * 1024,
    decodeStrings: true,
    write(data: Buffer, _encoding, done) {
      let rest = data;
      let pause = 1;
      const attempt = () => {
        // After the end, input is dropped, as on any terminal.
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
    return errorCode(error) === "EAGAIN" ? 0 : "closed";
  }
}
