// Runs the system's ssh to the workspace and watches how far it gets, and why not further. Its files are in a temporary
// directory; they and its processes are removed afterwards.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeEnvironment } from "../../platform/node-environment.ts";
import type { Machine } from "../../platform/paths.ts";
import { advance, NO_PROGRESS, type SshProgress } from "./ssh-log.ts";
import {
  type TrialFiles,
  type TrialSsh,
  type TrialTarget,
  trialConfig,
  trialKnownHosts,
} from "./trial-ssh-config.ts";

export interface TrialState {
  readonly progress: SshProgress;
  /** The first bytes of the command's output. */
  readonly output: string;
  readonly ended: TrialEnd | undefined;
}

type TrialEnd =
  | { readonly kind: "exited"; readonly code: number | null }
  /** ssh did not start; `code` is a system error code such as ENOENT. */
  | { readonly kind: "not-started"; readonly code: string };

const MAX_LINE = 64 * 1024;
const MAX_OUTPUT = 4 * 1024;
const MAX_LOG_BYTES = 256 * 1024;

/** The directory of a trial, for several runs of ssh. */
export class TrialDirectory {
  readonly #directory = mkdtempSync(join(tmpdir(), "sallyport-doctor-"));
  readonly files: TrialFiles;
  readonly #target: TrialTarget;
  readonly #ssh: TrialSsh;
  readonly #env: Machine["env"];
  readonly #running = new Set<SshTrial>();

  constructor(target: TrialTarget, ssh: TrialSsh, env: Machine["env"]) {
    const at = (name: string) => join(this.#directory, name);
    this.#target = target;
    this.#ssh = ssh;
    this.#env = env;
    this.files = { config: at("config"), knownHosts: at("known_hosts"), jumpLog: at("jump.log") };
    writeFileSync(this.files.config, trialConfig(target, this.files, ssh), { mode: 0o600 });
    writeFileSync(this.files.knownHosts, trialKnownHosts(target), { mode: 0o600 });
  }

  /** Starts ssh with `options`, the workspace's alias, then a command. */
  run(options: readonly string[], command: readonly string[]): SshTrial {
    rmSync(this.files.jumpLog, { force: true });
    const args = ["-v", "-T", "-F", this.files.config, ...options, "--", this.#target.alias, ...command];
    const trial = new SshTrial(this.#ssh.program, args, this.#env);
    this.#running.add(trial);
    return trial;
  }

  /** The progress of the ssh to the gateway's SSH port in the latest run; none where there was no such ssh. */
  jumpProgress(): SshProgress {
    let text = "";
    try {
      text = readFileSync(this.files.jumpLog, "utf8").slice(0, MAX_LOG_BYTES);
    } catch {
      // The tunnel has no such log.
    }
    return text.split("\n").reduce(advance, NO_PROGRESS);
  }

  /** Ends the runs, and removes the directory. */
  dispose(): void {
    for (const trial of this.#running) trial.end();
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

export class SshTrial {
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #state: TrialState = { progress: NO_PROGRESS, output: "", ended: undefined };

  constructor(program: string, args: readonly string[], env: Machine["env"]) {
    const child = spawn(program, args, {
      env: nodeEnvironment(env),
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
    });
    this.#child = child;
    child.stdin.on("error", () => undefined); // It may end without reading.
    child.stdin.end();
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      this.#change({ output: (this.#state.output + part).slice(0, MAX_OUTPUT) });
    });
    let partial = "";
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      const lines = (partial + part).split("\n");
      partial = (lines.pop() ?? "").slice(0, MAX_LINE);
      this.#change({ progress: lines.reduce(advance, this.#state.progress) });
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      this.#change({ ended: { kind: "not-started", code: error.code ?? "EUNKNOWN" } });
    });
    child.on("exit", (code) => {
      // Its last output may still arrive; a ProxyCommand that lives on may keep the pipe open for ever.
      const settle = () => {
        clearTimeout(timer);
        if (this.#state.ended === undefined) this.#change({ ended: { kind: "exited", code } });
      };
      const timer = setTimeout(settle, 1_000);
      child.once("close", settle);
    });
  }

  get state(): TrialState {
    return this.#state;
  }

  /** The first state for which `reached` holds, or the final one. @throws the signal's reason when it is aborted */
  until(reached: (state: TrialState) => boolean, signal: AbortSignal): Promise<TrialState> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#watchers.delete(look);
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        done();
        reject(signal.reason);
      };
      const look = (): void => {
        if (this.#state.ended === undefined && !reached(this.#state)) return;
        done();
        resolve(this.#state);
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#watchers.add(look);
      look();
    });
  }

  /** Its ProxyCommand ends too, because ssh's end of their pipe closes. */
  end(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGTERM");
  }

  #change(change: Partial<TrialState>): void {
    this.#state = { ...this.#state, ...change };
    for (const look of [...this.#watchers]) look();
  }
}
