// What runs in the namespace: one long line, and every subject over it. The target runs in this process, so that both
// ends of a transfer are counted by one clock.
//   node delay-run.ts '{"names":[…],"plan":{…},"directory":"…"}'

import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { makeCertificate } from "../certificate.ts";
import { startTarget, type Target } from "../load/target.ts";
import { type Connection, downloadForEver, echo, uploadForEver } from "../load/traffic.ts";
import { type Started, startAll, stopAll } from "../places.ts";
import { median, rounded } from "../statistics.ts";
import { SUBJECTS } from "../subjects/all.ts";
import { direct } from "../subjects/direct.ts";
import type { DelayPlan, DelayResult, DelayRow, DelaySetting } from "./delay.ts";

const [NEAR, FAR] = ["10.99.0.1", "10.99.0.2"];
const LINE = fileURLToPath(new URL("../delay-line.py", import.meta.url));

const input: { names: string[]; plan: DelayPlan; directory: string } = JSON.parse(process.argv[2] ?? "");
// The program that started this holds its stdin. When that program ends, so does this one.
process.stdin.resume().once("end", () => process.exit(1));
process.once("SIGTERM", () => process.exit(1));

const { names, plan, directory } = input;
execFileSync("ip", ["link", "set", "lo", "up"]);
const line = await openLine();
const target = await startTarget("0.0.0.0");
const certificate = makeCertificate(directory, ["127.0.0.1", FAR]);
const skipped = new Map<string, string>();
const subjects = SUBJECTS.filter(({ name }) => name === direct.name || names.includes(name));
// Before there is a delay: a client that looks for its server for long is not what is measured.
const started = await startAll(
  subjects,
  { target: target.port, listen: "0.0.0.0", reach: FAR, certificate },
  { directory, skipped },
);
const rows: DelayRow[] = [];
try {
  for (const setting of plan.settings) rows.push(...(await measureSetting(setting)));
} finally {
  await stopAll(started);
  await target.stop();
  line.close();
}
const congestionControl = readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "utf8").trim();
const result: DelayResult = { rows, congestionControl, skipped: Object.fromEntries(skipped) };
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));

async function measureSetting(setting: DelaySetting): Promise<DelayRow[]> {
  await line.set(setting.roundTripMs / 2, setting.loss);
  const measured: { name: string; upMBps: number; downMBps: number; echoP50Ms: number }[] = [];
  for (const one of started) {
    if (skipped.has(one.subject.name)) continue;
    process.stdout.write(`${setting.roundTripMs} ms, ${setting.loss * 100} % lost: ${one.subject.name}\n`);
    try {
      measured.push({ name: one.subject.name, ...(await measureOne(one, target)) });
    } catch (error) {
      skipped.set(one.subject.name, `failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const bare = measured.find(({ name }) => name === direct.name);
  return measured.map((row) => ({
    ...setting,
    ...row,
    upOfBareTcp: rounded(row.upMBps / (bare?.upMBps ?? Number.NaN)),
    downOfBareTcp: rounded(row.downMBps / (bare?.downMBps ?? Number.NaN)),
  }));
}

async function measureOne({ running }: Started, { taken }: Target) {
  const echoes = await using(await running.connect(), (connection) => echo(connection, 12));
  const upMBps = await using(await running.connect(), async (connection) => {
    const ending = new AbortController();
    uploadForEver(connection, ending.signal);
    const rate = await ratePerSecond(taken);
    ending.abort();
    return rate;
  });
  const downMBps = await using(await running.connect(), async (connection) => {
    let count = 0;
    downloadForEver(connection, (bytes) => {
      count += bytes;
    });
    return await ratePerSecond(() => count);
  });
  // The first ones open the connection.
  return {
    upMBps: rounded(upMBps / 1e6),
    downMBps: rounded(downMBps / 1e6),
    echoP50Ms: rounded(median(echoes.slice(2))),
  };
}

async function ratePerSecond(count: () => number): Promise<number> {
  await pass(plan.rampSeconds);
  const [before, start] = [count(), performance.now()];
  await pass(plan.seconds);
  return (count() - before) / ((performance.now() - start) / 1000);
}

function pass(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

async function using<T>(connection: Connection, measure: (connection: Connection) => Promise<T>): Promise<T> {
  try {
    return await measure(connection);
  } finally {
    await connection.close();
  }
}

async function openLine(): Promise<{ set(oneWayMs: number, loss: number): Promise<void>; close(): void }> {
  const child = spawn("python3", [LINE, "line0", NEAR, FAR], { stdio: ["pipe", "pipe", "inherit"] });
  process.once("exit", () => child.kill());
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const expect = async (word: string): Promise<void> => {
    const { value } = await lines.next();
    if (value !== word) throw new Error(`the delay line said ${value}, not ${word}`);
  };
  await expect("ready");
  return {
    set: async (oneWayMs, loss) => {
      child.stdin.write(`${oneWayMs} ${loss}\n`);
      await expect("set");
    },
    close: () => child.stdin.end(),
  };
}
