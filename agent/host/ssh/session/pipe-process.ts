// Starts a process without a PTY, in a process group of its own, as sshd does. On Linux its stdio are pipes: Node by itself
// would use sockets, on which `echo text >/dev/stderr` fails.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { type Readable, Writable } from "node:stream";
import { closePipe, type PipeStock } from "../prelude/anonymous-pipes.ts";
import { withPrelude } from "../prelude/prelude.ts";
import type { PreludeShell } from "../prelude/prelude-shell.ts";
import type { ProcessExit, ProcessSpec, SessionProcess } from "./session-process.ts";

/** @throws Error if the program cannot be started: the message names it */
export async function startWithPipes(
  spec: ProcessSpec,
  stock: PipeStock,
  shell?: PreludeShell,
): Promise<SessionProcess> {
  const [stdin, stdout, stderr] = (await stock.take(3)) ?? [];
  const theirs = [stdin?.read, stdout?.write, stderr?.write];
  const { file, args, environment } = withPrelude(spec, undefined, shell);
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      cwd: spec.cwd,
      env: environment,
      detached: true,
      stdio: theirs.map((fd) => fd ?? "pipe"),
    });
  } catch (error) {
    // Such as E2BIG: more arguments and variables than the system takes.
    for (const pipe of [stdin, stdout, stderr]) if (pipe !== undefined) closePipe(pipe);
    throw error;
  }
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code: code ?? 0, signal: signal ?? undefined }));
  });
  for (const fd of theirs) if (fd !== undefined) closeSync(fd);
  const input = stdin === undefined ? child.stdin : pipeWriter(stdin.write);
  const output = stdout === undefined ? child.stdout : pipeReader(stdout.read);
  const errors = stderr === undefined ? child.stderr : pipeReader(stderr.read);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
  } catch (error) {
    for (const stream of [input, output, errors]) stream?.destroy();
    throw error;
  }
  const { pid } = child;
  if (pid === undefined || input === null || output === null || errors === null) {
    throw new Error(`${spec.file} has started without its pipes.`);
  }
  return {
    pid,
    input,
    output,
    errors,
    exited,
    resize: () => {},
    // No signal, as under sshd. Processes that go on writing get SIGPIPE; those that go on reading get what was sent, and
    // then the end.
    hangUp() {
      for (const stream of [output, errors]) stream.destroy();
    },
  };
}

function pipeReader(fd: number): Readable {
  return new Socket({ fd, readable: true, writable: false });
}

/** A Socket would end with shutdown(2), which pipes do not have: this writer closes the descriptor. */
function pipeWriter(fd: number): Writable {
  const socket = new Socket({ fd, readable: false, writable: true });
  // The callback of the write that failed reports it.
  socket.on("error", () => {});
  return new Writable({
    write: (data: Buffer, _encoding, done) => void socket.write(data, done),
    final: (done) => {
      socket.destroy();
      done();
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
}
