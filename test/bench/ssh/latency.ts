// What a person feels on each way into a workspace: the time of a whole `ssh … true`, and of one byte there and back.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { startStack } from "../../support/stack.ts";
import { startOpenSshServer } from "../openssh-server.ts";

const CONNECTS = 15;
const ECHOES = 2_000;

export interface Latency {
  readonly path: string;
  /** Milliseconds, medians and the 99th percentile. */
  readonly connectMs: number;
  readonly echoP50Ms: number;
  readonly echoP99Ms: number;
}

export async function measureLatency(directory: string): Promise<Latency[]> {
  const stack = await startStack({ directory, workspace: "bench" });
  const sshd = await startOpenSshServer(directory).catch(async (error: unknown) => {
    await stack.stop();
    throw error;
  });
  try {
    const targets = [
      ...(sshd === undefined ? [] : [{ path: "sshd", sshConfig: sshd.sshConfig, name: "sshd" }]),
      { path: "tunnel", sshConfig: stack.sshConfig, name: "bench" },
      { path: "jump", sshConfig: stack.sshConfig, name: "bench-jump" },
      { path: "re-originated", sshConfig: stack.sshConfig, name: "bench-direct" },
    ];
    const connects = new Map<string, number[]>(targets.map(({ path }) => [path, []]));
    // In turn, so that a slow moment of the machine meets all of them.
    for (let round = 0; round < CONNECTS; round++) {
      for (const target of targets) connects.get(target.path)?.push(connectOnce(target));
    }
    const rows: Latency[] = [];
    for (const target of targets) {
      const echoes = await echo(target);
      rows.push({
        path: target.path,
        connectMs: Math.round(percentile(connects.get(target.path) ?? [], 0.5)),
        echoP50Ms: rounded(percentile(echoes, 0.5)),
        echoP99Ms: rounded(percentile(echoes, 0.99)),
      });
    }
    return rows;
  } finally {
    await sshd?.stop();
    await stack.stop();
  }
}

interface Target {
  readonly path: string;
  readonly sshConfig: string;
  readonly name: string;
}

function connectOnce({ path, sshConfig, name }: Target): number {
  const start = performance.now();
  const { status, stderr } = spawnSync("ssh", ["-F", sshConfig, name, "true"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`ssh by ${path} ended with ${status}: ${stderr}`);
  return performance.now() - start;
}

/** One byte at a time through `cat`, each after the one before has come back. */
async function echo({ sshConfig, name }: Target): Promise<number[]> {
  const child = spawn("ssh", ["-F", sshConfig, name, "cat"], { stdio: ["pipe", "pipe", "inherit"] });
  const times: number[] = [];
  for (let i = 0; i < ECHOES + 50; i++) {
    const start = performance.now();
    child.stdin.write("x");
    await once(child.stdout, "data");
    // The first ones find cold code.
    if (i >= 50) times.push(performance.now() - start);
  }
  child.stdin.end();
  await once(child, "exit");
  return times;
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
