// A process that the benchmark started: its output goes to a file, and it does not outlive the benchmark.

import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { listening } from "../support/loopback.ts";
import { lastLines } from "../support/programs/program.ts";

const STOP_MS = 3_000;
const READY_MS = 20_000;

const alive = new Set<number>();
// The last resort, for an end that skips every `finally`.
process.on("exit", () => {
  for (const pid of alive) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended in this very moment.
    }
  }
});

/** A process that something else started for us: it must not outlive us either. */
export function endWithUs({ pid, exited }: { readonly pid: number; readonly exited: Promise<void> }): void {
  alive.add(pid);
  void exited.then(() => alive.delete(pid));
}

export interface RunningProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly logFile: string;
  /** SIGTERM, then SIGKILL. Resolves when it is gone. */
  stop(): Promise<void>;
}

export type CommandLine = readonly [string, ...string[]];

/** @param stdio of stdin and stdout; default: none and the log */
export async function startProcess(
  [file, ...args]: CommandLine,
  options: {
    readonly logFile: string;
    readonly cwd: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly stdio?: readonly ["ignore" | "pipe" | number, "ignore" | "pipe" | number];
  },
): Promise<RunningProcess> {
  const { logFile, env = process.env, cwd } = options;
  const log = openSync(logFile, "a", 0o600);
  const [stdin, stdout] = options.stdio ?? ["ignore", log];
  const stdio: StdioOptions = [stdin, stdout, log];
  const child = spawn(file, args, { env, cwd, stdio });
  closeSync(log);
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
  });
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} has no process id`);
  endWithUs({ pid, exited: gone });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await gone;
    clearTimeout(timer);
  };
  return { pid, child, logFile, stop };
}

/** Starts a server that listens on `port`. @throws Error with the end of its log where it does not */
export async function startListener(
  command: CommandLine,
  port: number,
  options: { readonly logFile: string; readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<RunningProcess> {
  const running = await startProcess(command, options);
  const dead = new AbortController();
  running.child.once("exit", () => dead.abort());
  try {
    await listening(port, AbortSignal.any([dead.signal, AbortSignal.timeout(READY_MS)]));
    return running;
  } catch (cause) {
    await running.stop();
    throw new Error(`${command.slice(0, 2).join(" ")} did not start:\n${lastLines(options.logFile)}`, {
      cause,
    });
  }
}
