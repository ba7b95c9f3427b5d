// Anonymous pipes for the input and output of a session's process. Node cannot make them, so a shell makes a pipeline, and
// this process opens both ends of each pipe through /proc/PID/fd (proc(5)).
//
// A program may open such a pipe a second time (/dev/stdin). A socket refuses that, and a named pipe would wait for a
// writer that has gone.

import { spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import type { Readable } from "node:stream";
import { CLOSE_INHERITED } from "./prelude.ts";
import { type PreludeShell, preludeShell } from "./prelude-shell.ts";

/** Both ends of one pipe; neither is inherited by any process. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** Every shell can name descriptors of one digit. 0 to 2 are taken, and 9 is the shell's own input. */
const DESCRIPTORS = [3, 4, 5, 6, 7, 8];

/**
 * A pipeline whose last process holds all of its pipes. That process prints its id (`$$` would be the outer shell's) and
 * waits until its input ends.
 */
const MAKE_PIPES = [
  "exec 9<&0",
  DESCRIPTORS.reduceRight(
    (inner, fd) => `: | { exec ${fd}<&0; ${inner}; }`,
    "read -r pid rest </proc/self/stat; echo $pid; read -r end <&9",
  ),
].join("; ");

/** Pipes that are made in advance, so that sessions do not wait for them. */
export class PipeStock {
  readonly #ready: Pipe[] = [];
  #filling: Promise<boolean> | undefined;
  #closed = false;

  /** Makes sure that the next sessions find pipes. */
  fill(): void {
    if (this.#ready.length < DESCRIPTORS.length) void this.#more();
  }

  /** undefined where there are none: not on Linux, no /proc, no descriptors left. The caller closes what it takes. */
  async take(count: number): Promise<Pipe[] | undefined> {
    // Other callers may have taken the new ones first.
    while (this.#ready.length < count) if (!(await this.#more())) return undefined;
    const taken = this.#ready.splice(0, count);
    this.fill();
    return taken;
  }

  close(): void {
    this.#closed = true;
    for (const pipe of this.#ready.splice(0)) closePipe(pipe);
  }

  #more(): Promise<boolean> {
    if (process.platform !== "linux" || this.#closed) return Promise.resolve(false);
    this.#filling ??= this.#make().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  /** False: none were made. */
  async #make(): Promise<boolean> {
    try {
      const pipes = await makePipes();
      if (this.#closed) for (const pipe of pipes) closePipe(pipe);
      else this.#ready.push(...pipes);
      return !this.#closed;
    } catch {
      // No shell, no /proc or no descriptors: sockets serve nearly every program.
      return false;
    }
  }
}

/** The command that makes pipes. Like all processes of sessions, it first closes other sessions' terminals (prelude.ts). */
export function makerCommand(shell: PreludeShell): [string, string[]] {
  const [file, ...options] = shell.command;
  const script = shell.closedBy === "shell" ? `${CLOSE_INHERITED}; ${MAKE_PIPES}` : MAKE_PIPES;
  return [file, [...options, script]];
}

async function makePipes(): Promise<Pipe[]> {
  const shell = preludeShell("/bin/sh");
  const [file, args] = makerCommand(shell);
  const maker = spawn(file, args, {
    cwd: "/",
    env: shell.environment,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const failed = new Promise<never>((_, reject) => maker.once("error", reject));
  // Where no descriptors are left, it has no streams either.
  if (maker.pid === undefined) return await failed;
  // The maker may end before its input is closed.
  maker.stdin.on("error", () => {});
  const pipes: Pipe[] = [];
  try {
    const pid = await Promise.race([firstLine(maker.stdout), failed]);
    for (const fd of DESCRIPTORS) pipes.push(openBothEnds(`/proc/${pid}/fd/${fd}`));
    return pipes;
  } catch (error) {
    for (const pipe of pipes) closePipe(pipe);
    throw error;
  } finally {
    maker.stdin.destroy();
    maker.stdout.destroy();
  }
}

async function firstLine(stream: Readable): Promise<string> {
  let text = "";
  for await (const data of stream) {
    text += String(data);
    const line = /^(\d+)\n/.exec(text)?.[1];
    if (line !== undefined) return line;
  }
  throw new Error("The shell that makes pipes has ended early.");
}

function openBothEnds(path: string): Pipe {
  const read = openSync(path, constants.O_RDONLY);
  try {
    return { read, write: openSync(path, constants.O_WRONLY) };
  } catch (error) {
    closeSync(read);
    throw error;
  }
}

export function closePipe({ read, write }: Pipe): void {
  closeSync(read);
  closeSync(write);
}
