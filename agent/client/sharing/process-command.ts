// Whether a process number still belongs to the program that it was given to: numbers are used again.

import { execFile } from "node:child_process";
import { isProcessAlive } from "../../platform/process-alive.ts";

const TIMEOUT_MS = 10_000;

/** Whether `pid` runs and has `word` in its command line. */
export async function runsCommand(pid: number, word: string): Promise<boolean> {
  if (!isProcessAlive(pid)) return false;
  const [program, args] = listCommand(pid, process.platform);
  return await new Promise((resolve) => {
    execFile(program, args, { timeout: TIMEOUT_MS, windowsHide: true }, (_error, stdout) => {
      // No answer, no such process: nothing that could be ended in good conscience.
      resolve(stdout.includes(word));
    });
  });
}

/** What prints a process's command line. Pure. */
export function listCommand(pid: number, platform: NodeJS.Platform): [program: string, args: string[]] {
  if (platform !== "win32") return ["ps", ["-ww", "-o", "args=", "-p", String(pid)]];
  const query = `(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').CommandLine`;
  return ["powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", query]];
}
