// One peer's small messages must not stall the gateway for everybody else: each flood costs its sender next to nothing. The
// gateway is a process of its own, and so is each flooder, whose rate is bounded.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { LONG, shortAndLong } from "../../support/long.ts";
import { type Stack, startStack } from "../../support/stack.ts";

const run = promisify(execFile);
const FLOODER = fileURLToPath(new URL("./flooder.ts", import.meta.url));
const KIB = 1024;
const FIGURES = process.env.SALLYPORT_FLOOD_FIGURES === "1";
/** The best of these rounds counts: a machine that is busy with something else for a while proves nothing about a gateway. */
const ROUNDS = 12;

let directory: string;
let stack: Stack;
const flooders: ChildProcess[] = [];
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-floods-"));
  stack = await startStack({
    directory,
    workspace: "dev",
    gatewayArgs: ["--http", "127.0.0.1:0", "--open"],
  });
});
afterEach(async () => {
  await Promise.all(
    flooders.splice(0).map(async (child) => {
      if (child.exitCode === null && child.kill("SIGKILL")) await once(child, "exit");
    }),
  );
  // What they left with the gateway is dealt with before the next ones come.
  await expect.poll(() => healthz(), { timeout: 60_000 }).toBeLessThan(1_000);
});
afterAll(async () => {
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Flood {
  readonly kind: "pings" | "frames" | "masked-frames" | "web-socket-pings" | "resume-pings";
  /** Bytes per second, of each; for `resume-pings`, bytes in all. */
  readonly rate: number;
  readonly count: number;
  /** Strangers have none. */
  readonly signedIn: boolean;
}

/** Resolves once all of them have begun. */
async function start({ kind, rate, count, signedIn }: Flood) {
  const token = signedIn ? { SALLYPORT_TOKEN: readFileSync(stack.gateway.tokenFile, "utf8").trim() } : {};
  const started = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      // A name has one host key: a different one would wait for its owner's word.
      const name = `${signedIn ? "own" : "open"}-${kind}-${i}`;
      const args = [stack.gateway.url, kind, String(rate), name, join(directory, name)];
      const child = spawn(process.execPath, [FLOODER, ...args], {
        env: { PATH: process.env.PATH, HOME: directory, ...token },
        stdio: ["pipe", "pipe", "inherit"],
      });
      flooders.push(child);
      child.stdin.on("error", () => undefined);
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const { value } = await lines.next();
      if (value !== "ready") throw new Error(`a flooder (${kind}) ended before it began`);
      return { child, name, lines };
    }),
  );
  for (const { child } of started) child.stdin.write("go\n");
  return started;
}

const agent = new Agent({ keepAlive: false });

/** Milliseconds from a new connection to the answer. */
async function healthz(): Promise<number> {
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    get(`${stack.gateway.url}/healthz`, { agent, timeout: 60_000 }, (response) => {
      response.resume().once("end", () => resolve());
    })
      .once("timeout", () => reject(new Error("no answer")))
      .once("error", reject);
  });
  return performance.now() - began;
}

/** The 99th percentile of what /healthz takes, of a hundred. */
async function p99(): Promise<number> {
  const times: number[] = [];
  const until = performance.now() + 4_000;
  while (times.length < 100 && performance.now() < until) {
    times.push(await healthz());
    await delay(10);
  }
  times.sort((a, b) => a - b);
  return times[Math.ceil(times.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY;
}

/** Milliseconds for a new `ssh` that the gateway signs in and connects on. */
async function newSsh(): Promise<number> {
  const began = performance.now();
  await run("ssh", ["-F", stack.sshConfig, "dev-direct", "true"], { timeout: 60_000 });
  return performance.now() - began;
}

/** The best of some rounds, of no more than it takes to be good enough. */
async function best(rounds: number, measure: () => Promise<number>, enough = 0): Promise<number> {
  let found = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds && found >= enough; round++) found = Math.min(found, await measure());
  return found;
}

describe("/healthz and a new ssh do not suffer", () => {
  const floods: [string, Flood][] = [
    ["two tunnels of frames of one byte", { kind: "frames", rate: 384 * KIB, count: 2, signedIn: true }],
    [
      "two tunnels of frames of one byte under a real mask",
      { kind: "masked-frames", rate: 384 * KIB, count: 2, signedIn: true },
    ],
    [
      "two tunnels of WebSocket pings",
      { kind: "web-socket-pings", rate: 384 * KIB, count: 2, signedIn: true },
    ],
    ["a registered host's control pings", { kind: "pings", rate: 628 * KIB, count: 1, signedIn: true }],
    ["two strangers' control pings", { kind: "pings", rate: 628 * KIB, count: 2, signedIn: false }],
    ["two strangers' tunnels", { kind: "frames", rate: 628 * KIB, count: 2, signedIn: false }],
  ];
  for (const [some, options] of shortAndLong(floods, 1)) {
    test.each(some)("from %s", options, async (_, flood) => {
      const idle = { healthz: await best(2, p99), ssh: await best(3, newSsh) };
      await start(flood);
      // On a machine that is slow by itself the figures for an idle gateway say how slow.
      const bounds = { healthz: Math.max(50, 3 * idle.healthz), ssh: 2 * idle.ssh };
      const flooded = {
        healthz: await best(ROUNDS, p99, bounds.healthz),
        ssh: await best(ROUNDS, newSsh, bounds.ssh),
      };
      if (FIGURES) {
        const ms = Object.entries({ idle, flooded }).map(
          ([when, found]) =>
            `${when}: healthz p99 ${found.healthz.toFixed(1)} ms, ssh ${found.ssh.toFixed(0)} ms`,
        );
        process.stdout.write(`${flood.kind} x${flood.count}: ${ms.join("; ")}\n`);
      }
      expect(flooded.healthz).toBeLessThan(bounds.healthz);
      expect(flooded.ssh).toBeLessThan(bounds.ssh);
    });
  }
});

/** Bytes of memory of the gateway (proc(5)). */
function memory(): number {
  const status = readFileSync(`/proc/${stack.gateway.program.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * KIB;
}

describe.skipIf(process.platform !== "linux")("the gateway's memory (Linux's /proc)", () => {
  test(
    "does not grow with the answers that a workspace of one's own asks for and does not read",
    LONG,
    async () => {
      const MIB = 1024 * KIB;
      const [flooder] = await start({ kind: "resume-pings", rate: 40 * MIB, count: 1, signedIn: true });
      if (flooder === undefined) throw new Error("nobody floods");
      const before = memory();
      let most = before;
      const watch = setInterval(() => {
        most = Math.max(most, memory());
      }, 50);
      const ssh = spawn("ssh", ["-F", stack.sshConfig, "-W", `${flooder.name}:22`, "gateway"], {
        stdio: ["pipe", "ignore", "ignore"],
      });
      try {
        // Sent, or cut off: two million answers have been asked for by then, or no more can be.
        expect((await flooder.lines.next()).value).toBe("sent");
        // What has been read is dealt with.
        await healthz();
      } finally {
        clearInterval(watch);
        ssh.kill();
      }
      if (FIGURES) process.stdout.write(`resume pings: ${Math.round((most - before) / MIB)} MiB more\n`);
      expect(most - before).toBeLessThan(150 * MIB);
    },
  );
});
