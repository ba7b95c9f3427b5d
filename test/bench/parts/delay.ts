// Throughput over a long line, with and without loss. It runs in a network namespace of its own: `delay-run.ts` in there
// measures and prints JSON.

import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProcess } from "../running-process.ts";
import { findProgram } from "../subjects/subject.ts";

export interface DelaySetting {
  /** Added to the round trip; half of it each way. */
  readonly roundTripMs: number;
  /** A fraction of the packets, each way. */
  readonly loss: number;
}

export interface DelayPlan {
  readonly settings: readonly DelaySetting[];
  /** Time for the windows to open, not measured, and time that is. */
  readonly rampSeconds: number;
  readonly seconds: number;
}

export interface DelayRow extends DelaySetting {
  readonly name: string;
  readonly upMBps: number;
  readonly downMBps: number;
  readonly echoP50Ms: number;
  /** To bare TCP over the same line, in the same round. */
  readonly upOfBareTcp: number;
  readonly downOfBareTcp: number;
}

export interface DelayResult {
  readonly rows: readonly DelayRow[];
  readonly congestionControl: string;
  readonly skipped: Readonly<Record<string, string>>;
}

const RUN = fileURLToPath(new URL("delay-run.ts", import.meta.url));
const LIMIT_MS = 15 * 60_000;

/** Why there can be no such namespace here; undefined where there can. */
export function noDelayLine(): string | undefined {
  for (const program of ["unshare", "ip", "python3"]) {
    if (findProgram(program) === undefined) return `no ${program} on PATH`;
  }
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    return "/dev/net/tun is not there or not for us";
  }
  const probe = "ip link set lo up && ip tuntap add dev probe mode tun";
  const tried = spawnSync("unshare", [...namespaceFlags(), "sh", "-c", probe], { encoding: "utf8" });
  return tried.status === 0 ? undefined : `no network namespace of our own: ${tried.stderr.trim()}`;
}

/** @throws Error with what it said */
export async function measureDelay(
  names: readonly string[],
  plan: DelayPlan,
  context: { directory: string; say(text: string): void },
): Promise<DelayResult> {
  const { say } = context;
  const directory = join(context.directory, "long-line");
  mkdirSync(directory, { mode: 0o700 });
  const input = JSON.stringify({ names, plan, directory });
  const running = await startProcess(["unshare", ...namespaceFlags(), process.execPath, RUN, input], {
    logFile: join(directory, "delay.log"),
    cwd: directory,
    stdio: ["pipe", "pipe"],
  });
  try {
    return await new Promise((resolve, reject) => {
      let text = "";
      const timer = setTimeout(() => reject(new Error("the delayed part took too long")), LIMIT_MS);
      running.child.stdout?.on("data", (data: Buffer) => {
        text += data.toString();
        const lines = text.split("\n");
        text = lines.pop() ?? "";
        for (const line of lines) {
          if (line.startsWith("{")) resolve(JSON.parse(line));
          else say(line);
        }
      });
      running.child.once("exit", (code) => {
        clearTimeout(timer);
        reject(new Error(`the delayed part ended with ${code}: see ${running.logFile}`));
      });
    });
  } finally {
    await running.stop();
  }
}

/** Without being root, a user namespace makes us root of the new network namespace alone. */
function namespaceFlags(): string[] {
  return process.getuid?.() === 0 ? ["--net"] : ["--user", "--map-root-user", "--net"];
}
