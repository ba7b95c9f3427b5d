// A long-running `sallyport` process with `--json`, as the demo, `npm start`, the tests and the benchmark start it.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Static, TSchema } from "typebox";
import { Check } from "typebox/value";

/** From spawn to the `ready` line. One that ends is told of at once. */
const READY_TIMEOUT_MS = 180_000;
/** From SIGTERM to SIGKILL: the gateway promises to be gone within 10 s. */
const STOP_TIMEOUT_MS = 12_000;

export interface Program<Ready> {
  readonly pid: number;
  readonly ready: Ready;
  /** Where its stderr goes. */
  readonly logFile: string;
  /** Resolves when the process is gone, by whatever cause. */
  readonly exited: Promise<void>;
  /** SIGTERM, then SIGKILL after 12 s. Resolves when it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts `command`, waits for its first line of JSON and checks it with `schema`.
 * @throws Error with the last lines of its stderr where it ends or stays silent instead
 */
export async function startProgram<T extends TSchema>(options: {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logFile: string;
  readonly schema: T;
  readonly signal?: AbortSignal | undefined;
}): Promise<Program<Static<T>>> {
  const { name, schema, logFile, signal } = options;
  signal?.throwIfAborted();
  const [file, ...args] = options.command;
  const log = openSync(logFile, "a", 0o600);
  // A process group of its own: Ctrl-C in the terminal reaches us alone, and we end things in their order.
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", "pipe", log],
    detached: true,
  });
  closeSync(log);
  const exited = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
  const stop = () => stopChild(child, exited);
  try {
    const ready = await firstLine(child, signal);
    if (!Check(schema, ready)) throw new Error(`its first line is not what was expected`);
    const { pid } = child;
    if (pid === undefined) throw new Error("it has no process id");
    return { pid, ready, logFile, exited, stop };
  } catch (cause) {
    await stop();
    signal?.throwIfAborted();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${name} did not start: ${why}\n${lastLines(logFile)}`.trimEnd(), { cause });
  }
}

/** The end of a log, for a failure's message. */
export function lastLines(logFile: string, count = 15): string {
  return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-count).join("\n");
}

function firstLine(child: ChildProcess, signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`nothing on stdout within ${READY_TIMEOUT_MS / 1000} s`)),
      READY_TIMEOUT_MS,
    );
    const settle = (action: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      action();
    };
    const aborted = () => settle(() => reject(new Error("interrupted")));
    signal?.addEventListener("abort", aborted, { once: true });
    child.once("error", (error) => settle(() => reject(error)));
    child.once("exit", (code, name) => settle(() => reject(new Error(`it ended with ${name ?? code}`))));
    if (child.stdout === null) return;
    // Every later line is read too, and dropped: a full pipe would stop the program.
    createInterface(child.stdout).once("line", (line) => {
      settle(() => {
        try {
          resolve(JSON.parse(line));
        } catch (error) {
          reject(error);
        }
      });
    });
  });
}

async function stopChild(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return exited;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
