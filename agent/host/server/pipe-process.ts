// A process without a PTY, in a session of its own as under sshd. On Linux its stdio are pipes: Node's own are sockets,
// on which `echo text >/dev/stderr` fails.

import { execFile, spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import { withPrelude } from "./prelude.ts";
import { hangUp } from "./process-group.ts";
import type { ProcessExit, ProcessSpec, SessionProcess } from "./session-process.ts";

/** Both ends of one pipe. */
interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** @throws Error if the program cannot be started: the message names it */
export async function startWithPipes(spec: ProcessSpec): Promise<SessionProcess> {
  const pipes = process.platform === "linux" ? await makePipes(3) : undefined;
  const [stdin, stdout, stderr] = pipes ?? [];
  const theirs = [stdin?.read, stdout?.write, stderr?.write];
  const { file, args, environment } = withPrelude(spec, undefined);
  const child = spawn(file, args, {
    cwd: spec.cwd,
    env: environment,
    detached: true,
    stdio: theirs.map((fd) => fd ?? "pipe"),
  });
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
    hangUp(grace) {
      for (const stream of [input, output, errors]) stream.destroy();
      hangUp(pid, grace);
    },
  };
}

/**
 * Named pipes that lose their names at once: Node cannot make unnamed ones. undefined where that does not work, such as
 * on a read-only temporary directory.
 */
async function makePipes(count: number): Promise<Pipe[] | undefined> {
  let directory: string | undefined;
  const pipes: Pipe[] = [];
  try {
    directory = await mkdtemp(join(tmpdir(), "sallyport-"));
    const names = Array.from({ length: count }, (_, index) => join(directory ?? "", String(index)));
    await promisify(execFile)("mkfifo", ["-m", "600", ...names]);
    for (const name of names) pipes.push(openPipe(name));
    return pipes;
  } catch {
    // No mkfifo or no room: sockets do for nearly everything.
    for (const pipe of pipes) for (const fd of [pipe.read, pipe.write]) closeSync(fd);
    return undefined;
  } finally {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}

/** Opening for both first keeps either of the others from waiting for its counterpart. */
function openPipe(name: string): Pipe {
  const both = openSync(name, constants.O_RDWR);
  try {
    return { read: openSync(name, constants.O_RDONLY), write: openSync(name, constants.O_WRONLY) };
  } finally {
    closeSync(both);
  }
}

function pipeReader(fd: number): Readable {
  return new Socket({ fd, readable: true, writable: false });
}

/** A Socket would end by shutdown(2), which pipes do not have: this one closes. */
function pipeWriter(fd: number): Writable {
  const socket = new Socket({ fd, readable: false, writable: true });
  // The callback of the write that failed carries it.
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
