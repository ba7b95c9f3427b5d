// Tells whether a process id still belongs to the program that it was given to, since ids are reused.

import { execFile } from "node:child_process";
import { isProcessAlive } from "../../platform/process-alive.ts";

const TIMEOUT_MS = 10_000;

/** Whether a process `pid` runs and has `word` in its command line. */
export async function runsCommand(pid: number, word: string): Promise<boolean> {
  if (!isProcessAlive(pid)) return false;
  const [program, args] = listCommand(pid, process.platform);
  return await new Promise((resolve) => {
    execFile(program, args, { timeout: TIMEOUT_MS, windowsHide: true }, (_error, stdout) => {
      // Without an answer it counts as a different process, so that nothing else is ended by mistake.
      resolve(stdout.includes(word));
    });
  });
}

/** The command that prints a process's command line. Pure. */
export function listCommand(pid: number, platform: NodeJS.Platform): [program: string, args: string[]] {
  if (platform !== "win32") return ["ps", ["-ww", "-o", "args=", "-p", String(pid)]];
  const query = `(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').CommandLine`;
  return ["powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", query]];
}
