// Asks ssh what its configuration means for one host (`ssh -G`): the person's ssh itself reads Include, Match, patterns and
// defaults.

import { execFile } from "node:child_process";

export interface AskOptions {
  /** `ssh`, or a path. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number | undefined;
}

export type SshAnswer =
  | { readonly kind: "settings"; readonly settings: SshSettings }
  /** The program is not there, or may not be run. */
  | { readonly kind: "no-ssh"; readonly cause: Error }
  | { readonly kind: "timeout"; readonly seconds: number }
  /** ssh refused the configuration or the arguments. `said` is what it wrote on stderr, or else why it ended. */
  | { readonly kind: "failed"; readonly said: string };

/** By keyword in lower case, the values in order, as ssh prints them. */
export type SshSettings = ReadonlyMap<string, readonly string[]>;

/** `ssh -G` runs each `Match exec` of the person's file, which may ask a network. */
const TIMEOUT_MS = 5_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** @param args what follows `ssh -G`. Never throws. */
export function askSsh(args: readonly string[], options: AskOptions): Promise<SshAnswer> {
  const { program, env, timeoutMs = TIMEOUT_MS } = options;
  const limits = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: MAX_OUTPUT_BYTES } as const;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      ["-G", ...args],
      { env: { ...env }, windowsHide: true, ...limits },
      (error, stdout, stderr) => {
        if (error === null) resolve({ kind: "settings", settings: parseSshSettings(stdout) });
        else if (error.code === "ENOENT" || error.code === "EACCES")
          resolve({ kind: "no-ssh", cause: error });
        else if (error.killed === true) resolve({ kind: "timeout", seconds: timeoutMs / 1000 });
        else resolve({ kind: "failed", said: stderr.trim() || error.message });
      },
    );
    // A `Match exec` must not wait for somebody to type.
    child.stdin?.end();
  });
}

/** Pure. */
export function parseSshSettings(output: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  for (const line of output.split(/\r?\n/)) {
    const found = /^(\w+) (.*)$/.exec(line);
    if (found === null) continue;
    const key = (found[1] ?? "").toLowerCase();
    settings.set(key, [...(settings.get(key) ?? []), found[2] ?? ""]);
  }
  return settings;
}
