// Runs the very command line that is printed, so that a person can copy it. Each runs in a process group of its own,
// which ends with it or with the check's time limit.

import { spawn } from "node:child_process";

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A failure of a check, with what the command said on stderr. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
}

/** Runs `line` in a shell to its end. */
export async function runShell(line: string, signal: AbortSignal): Promise<Result> {
  const running = startShell(line, signal);
  return running.done;
}

/** The same, while it runs: for `ssh -N`, which stop() ends. */
export function startShell(
  line: string,
  signal: AbortSignal,
): { readonly done: Promise<Result>; readonly stderr: () => string; stop(): Promise<void> } {
  signal.throwIfAborted();
  const child = spawn("sh", ["-c", line], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    stdout += part;
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    stderr += part;
  });
  const endGroup = () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, "SIGTERM");
    } catch {
      // The group ended between the look and the kill.
    }
  };
  signal.addEventListener("abort", endGroup, { once: true });
  const done = new Promise<Result>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  }).finally(() => signal.removeEventListener("abort", endGroup));
  return {
    done,
    stderr: () => stderr,
    stop: async () => {
      endGroup();
      await done;
    },
  };
}

/** @throws CheckFailed unless `result` ended with `code` and, where given, wrote exactly `stdout` */
export function expectResult(result: Result, code: number, stdout?: string): void {
  if (result.code !== code) {
    throw new CheckFailed(`exit status ${result.code}, expected ${code}\n${tail(result.stderr)}`.trimEnd());
  }
  if (stdout !== undefined && result.stdout !== stdout) {
    throw new CheckFailed(
      `printed ${JSON.stringify(tail(result.stdout))}, expected ${JSON.stringify(stdout)}`,
    );
  }
}

export function tail(text: string, lines = 8): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
