// The command line as a person runs it: a process of its own with a home of its own, and no secrets from outside.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLI } from "../../scripts/repository.ts";

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves when `text` has appeared on stdout or stderr; rejects if the process ends first. */
  seen(text: string): Promise<void>;
}

export class Person {
  readonly home: string;
  readonly env: Record<string, string>;
  readonly #running = new Set<ChildProcess>();

  constructor() {
    this.home = mkdtempSync(join(tmpdir(), "sallyport-cli-"));
    this.env = {
      HOME: this.home,
      PATH: process.env.PATH ?? "",
      SALLYPORT_KEYCHAIN: "off",
      SHELL: "/bin/sh",
    };
  }

  /** Runs `sallyport …args`; without `input` its stdin is empty. */
  run(args: readonly string[], input = "", env: Record<string, string> = {}): Promise<Finished> {
    const { child, finished } = this.start(args, env);
    child.stdin?.on("error", () => {}); // It may end without reading.
    child.stdin?.end(input);
    return finished;
  }

  start(args: readonly string[], env: Record<string, string> = {}): Running {
    return this.startOther(process.execPath, [CLI, ...args], env);
  }

  /** Any other program, in the same home. */
  startOther(program: string, args: readonly string[], env: Record<string, string> = {}): Running {
    const child = spawn(program, args, { env: { ...this.env, ...env }, cwd: this.home });
    this.#running.add(child);
    let stdout = "";
    let stderr = "";
    const lookers = new Set<() => void>();
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      stdout += part;
      for (const look of lookers) look();
    });
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      stderr += part;
      for (const look of lookers) look();
    });
    const finished = new Promise<Finished>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        this.#running.delete(child);
        resolve({ code, signal, stdout, stderr });
        for (const look of lookers) look();
      });
    });
    const seen = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (`${stdout}${stderr}`.includes(text)) resolve();
          else if (child.exitCode !== null) reject(new Error(`ended without ${text}: ${stdout}${stderr}`));
        };
        lookers.add(look);
        look();
      });
    return { child, finished, seen };
  }

  close(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    rmSync(this.home, { recursive: true, force: true });
  }
}
