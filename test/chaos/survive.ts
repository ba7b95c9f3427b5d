// A transfer and an interactive session while the way is cut again and again: nothing is lost or doubled, and ssh notices
// nothing. The short form runs with every `npm test`, the long one as `npm run test:chaos`.

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, createReadStream, existsSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { expect, vi } from "vitest";
import { seeded } from "../unit/protocol/resume/mutated-frames.ts";
import { companions, residentKilobytes, run, type World } from "./world.ts";

export interface Ordeal {
  readonly megabytes: number;
  readonly cuts: number;
  /** The limit for scp, so that the transfer lasts as long as the cuts do. */
  readonly megabytesPerSecond: number;
  /** How many of a hundred cuts are of which kind; what is left are resets. */
  readonly swallow: number;
  readonly freeze: number;
  readonly restart: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}

export interface Report {
  readonly seconds: number;
  readonly cuts: Readonly<Record<"reset" | "swallow" | "freeze" | "restart", number>>;
  readonly connections: number;
  readonly linesEchoed: number;
  readonly slowestEchoMs: number;
  /** Megabytes at the end of the first and of the last quarter, the largest of each. */
  readonly memory: Readonly<Record<"gateway" | "host" | "companion", readonly [number, number]>>;
}

export async function survive(world: World, ordeal: Ordeal): Promise<Report> {
  const { directory, stack } = world;
  const random = seeded(ordeal.seed);
  const began = performance.now();
  const [source, copy, back] = ["source", "copy", "back"].map((name) => join(directory, name));
  if (source === undefined || copy === undefined || back === undefined) throw new Error("no paths");
  fill(source, ordeal.megabytes);
  const terminal = interactive(world);
  const cutting = new AbortController();
  let target = copy;
  const memory = watchMemory(world);
  const cuts = { reset: 0, swallow: 0, freeze: 0, restart: 0 };
  const transfer = async (from: string, to: string): Promise<void> => {
    const limit = String(Math.round(ordeal.megabytesPerSecond * 8 * 1024));
    const { stderr } = await run("scp", ["-q", "-F", stack.sshConfig, "-l", limit, from, to], {
      timeout: 3 * 3600_000,
    });
    expect(stderr).toBe("");
  };
  // Nothing resumes a connection that is not made yet: that a gateway is not there is told at once.
  const started = async (): Promise<void> => {
    await vi.waitFor(() => expect(terminal.echoed()).toBeGreaterThan(0), { timeout: 30_000 });
    await vi.waitFor(() => expect(existsSync(target)).toBe(true), { timeout: 30_000 });
  };
  const cut = async (): Promise<void> => {
    for (let i = 0; i < ordeal.cuts && !cutting.signal.aborted; i++) {
      await delay(50 + random() * 400);
      await started();
      const leg = random() < 0.5 ? world.near : world.far;
      const dice = random() * 100;
      if (dice < ordeal.restart) {
        cuts.restart++;
        await world.restartGateway();
      } else if (dice < ordeal.restart + ordeal.swallow) {
        cuts.swallow++;
        leg.swallow();
      } else if (dice < ordeal.restart + ordeal.swallow + ordeal.freeze) {
        cuts.freeze++;
        leg.freeze(100 + random() * 1500);
      } else {
        cuts.reset++;
        leg.reset();
      }
      if ((i + 1) % 50 === 0) ordeal.say?.(`${i + 1} cuts, ${terminal.echoed()} lines echoed`);
    }
  };
  try {
    await Promise.all([
      cut(),
      transfer(source, `dev:${copy}`).then(() => {
        target = back;
        return transfer(`dev:${copy}`, back);
      }),
    ]);
  } finally {
    cutting.abort();
  }
  const echoed = await terminal.end();
  const [sent, there, returned] = await Promise.all([source, copy, back].map(sha256));
  expect(there).toBe(sent);
  expect(returned).toBe(sent);
  return {
    seconds: Math.round((performance.now() - began) / 1000),
    cuts,
    connections: world.near.made + world.far.made,
    linesEchoed: echoed.lines,
    slowestEchoMs: Math.round(echoed.slowestMs),
    memory: memory.stop(),
  };
}

/** Types numbered lines on a terminal of the workspace and checks that each comes back, once and in order. */
function interactive(world: World) {
  const script =
    'stty raw -echo; echo ready; while IFS= read -r line; do echo "$line"; [ "$line" = end ] && exit 7; done';
  const child = world.own(
    spawn("ssh", ["-tt", "-o", "LogLevel=ERROR", "-F", world.stack.sshConfig, "dev", script], {
      stdio: ["pipe", "pipe", "pipe"],
    }),
  );
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error("ssh has no pipes");
  let errors = "";
  stderr.on("data", (data) => {
    errors += data;
  });
  const closed = once(child, "close");
  const typedAt: number[] = [];
  let [sent, received, slowestMs, wrong] = [0, 0, 0, ""];
  let typing: NodeJS.Timeout | undefined;
  createInterface({ input: stdout }).on("line", (raw) => {
    const line = raw.trimEnd();
    if (line === "ready" && typing === undefined) {
      typing = setInterval(() => {
        typedAt[sent] = performance.now();
        stdin.write(`line ${sent++}\n`);
      }, 50);
    } else if (line !== "end") {
      if (line !== `line ${received}`) wrong ||= `${line} in place of line ${received}`;
      slowestMs = Math.max(slowestMs, performance.now() - (typedAt[received] ?? Number.NaN));
      received++;
    }
  });
  return {
    echoed: () => received,
    end: async () => {
      clearInterval(typing);
      stdin.write("end\n");
      const [code] = await closed;
      expect({ code, errors, wrong }).toEqual({
        code: 7,
        errors: "",
        wrong: "",
      });
      expect(received).toBe(sent);
      expect(received).toBeGreaterThan(0);
      return { lines: received, slowestMs };
    },
  };
}

function watchMemory(world: World) {
  const samples: { gateway: number; host: number; companion: number }[] = [];
  let over = false;
  const look = async (): Promise<void> => {
    const pids = await companions(world);
    samples.push({
      gateway: residentKilobytes(world.gatewayPid),
      host: residentKilobytes(world.hostPid),
      companion: Math.max(0, ...pids.map(residentKilobytes)),
    });
    if (!over) setTimeout(() => void look(), 1000).unref();
  };
  void look();
  return {
    stop(): Report["memory"] {
      over = true;
      const quarter = Math.ceil(samples.length / 4);
      const largest = (part: typeof samples, of: keyof (typeof samples)[0]): number =>
        Math.round(Math.max(0, ...part.map((sample) => sample[of])) / 1024);
      const both = (of: keyof (typeof samples)[0]): [number, number] => [
        largest(samples.slice(0, quarter), of),
        largest(samples.slice(-quarter), of),
      ];
      return { gateway: both("gateway"), host: both("host"), companion: both("companion") };
    },
  };
}

function fill(path: string, megabytes: number): void {
  const file = openSync(path, "w", 0o600);
  const block = randomBytes(1024 * 1024);
  for (let i = 0; i < megabytes; i++) {
    block.writeUInt32BE(i, 0);
    writeSync(file, block);
  }
  closeSync(file);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest("hex");
}
