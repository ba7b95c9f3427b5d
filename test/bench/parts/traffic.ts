// Bulk, many streams, short connections and echoes through every subject, on this machine's loopback. All subjects stand
// ready from the start and take turns, round after round, so that a slow moment of the machine affects all of them.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Certificate } from "../certificate.ts";
import { type Connection, download, echo, upload, uploadForEver } from "../load/traffic.ts";
import { rotated, type Skipped, type Started, startAll, stopAll } from "../places.ts";
import { treeCpuSeconds } from "../process-usage.ts";
import { startProcess } from "../running-process.ts";
import { median, percentile, rounded } from "../statistics.ts";
import { BASE } from "../subjects/all.ts";
import type { Running, Subject } from "../subjects/subject.ts";

export interface TrafficPlan {
  readonly rounds: number;
  /** No round begins after this time: a busy machine gets fewer rounds and not a longer run. */
  readonly budgetSeconds: number;
  /** Bytes of one stream, one way. */
  readonly size: number;
  readonly streams: number;
  /** In all rounds together. */
  readonly connections: number;
  readonly echoes: number;
}

export const METRICS = [
  "upMBps",
  "upCpu",
  "downMBps",
  "downCpu",
  "streamsMBps",
  "streamsCpu",
  "echoP50Ms",
  "echoP99Ms",
  "loadedP50Ms",
  "loadedP99Ms",
  "connectP50Ms",
  "connectP99Ms",
  "connectionsPerSecond",
  "connectionCpuMs",
] as const;
export type Metric = (typeof METRICS)[number];
export type Measured = Partial<Record<Metric, number>>;

export interface TrafficRow {
  readonly name: string;
  /** Medians of the rounds. */
  readonly values: Measured;
  /** Medians of the rounds' own ratios to the first subject: what both did in the same minute. */
  readonly ratios: Measured;
}

const MEGABYTE = 1e6;
const CONNECTING_AT_ONCE = 8;
/** This much goes each way before anything is measured, to warm up compilers and windows. */
const WARM_UP_BYTES = 64 * MEGABYTE;
const TARGET = fileURLToPath(new URL("../load/target.ts", import.meta.url));

export async function measureTraffic(
  subjects: readonly Subject[],
  plan: TrafficPlan,
  context: { directory: string; certificate: Certificate; skipped: Skipped; say(text: string): void },
): Promise<TrafficRow[]> {
  const { directory, certificate, skipped, say } = context;
  const target = await startTargetProcess(directory);
  let started: Started[] = [];
  try {
    const place = { target: target.port, listen: "127.0.0.1", reach: "127.0.0.1", certificate };
    started = await startAll(subjects, place, { directory, skipped });
    const rounds: Map<string, Measured>[] = [];
    const begun = performance.now();
    for (let round = 0; round < plan.rounds; round++) {
      if (round > 0 && performance.now() - begun > plan.budgetSeconds * 1000) break;
      const measured = new Map<string, Measured>();
      for (const { subject, running } of rotated(started, round)) {
        if (skipped.has(subject.name) || (round > 0 && !isRepeated(subject))) continue;
        say(`round ${round + 1} of ${plan.rounds}: ${subject.name}`);
        try {
          measured.set(subject.name, await measureOnce(subject, running, plan));
        } catch (error) {
          skipped.set(subject.name, `failed: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      rounds.push(measured);
    }
    return started
      .filter(({ subject }) => !skipped.has(subject.name))
      .map(({ subject: { name } }) => ({
        name,
        values: overRounds(rounds, (round, metric) => round.get(name)?.[metric]),
        ratios: overRounds(rounds, (round, metric) => {
          const [own, base] = [round.get(name)?.[metric], round.get(BASE)?.[metric]];
          return own === undefined || base === undefined || base === 0 ? undefined : own / base;
        }),
      }));
  } finally {
    await stopAll(started);
    await target.stop();
  }
}

/** What runs without TLS says where the time goes; the comparison is over TLS, and in every round. */
function isRepeated({ transport, program }: Subject): boolean {
  return transport !== "ws" && program !== "autossh";
}

function overRounds(
  rounds: readonly Map<string, Measured>[],
  pick: (round: Map<string, Measured>, metric: Metric) => number | undefined,
): Measured {
  const all: Measured = {};
  for (const metric of METRICS) {
    const values = rounds.map((round) => pick(round, metric)).filter((value) => value !== undefined);
    if (values.length > 0) all[metric] = rounded(median(values));
  }
  return all;
}

async function measureOnce(subject: Subject, running: Running, plan: TrafficPlan): Promise<Measured> {
  const one = await running.connect();
  try {
    await echo(one, 100);
    await upload(one, WARM_UP_BYTES);
    await download(one, WARM_UP_BYTES);
    const up = await bulk(running, plan.size, () => upload(one, plan.size));
    const down = await bulk(running, plan.size, () => download(one, plan.size));
    const idle = await echo(one, plan.echoes);
    const loaded = await underLoad(running, () => echo(one, Math.round(plan.echoes / 4)));
    const measured: Measured = {
      upMBps: up.megabytesPerSecond,
      upCpu: up.cpuPerGigabyte,
      downMBps: down.megabytesPerSecond,
      downCpu: down.cpuPerGigabyte,
      echoP50Ms: median(idle),
      echoP99Ms: percentile(idle, 0.99),
      loadedP50Ms: median(loaded),
      loadedP99Ms: percentile(loaded, 0.99),
    };
    if (subject.processPerConnection) return measured;
    await one.close();
    const many = await parallel(running, plan);
    const connections = await shortConnections(running, Math.ceil(plan.connections / plan.rounds));
    return {
      ...measured,
      streamsMBps: many.megabytesPerSecond,
      streamsCpu: many.cpuPerGigabyte,
      ...connections,
    };
  } finally {
    await one.close();
  }
}

async function bulk(running: Running, bytes: number, move: () => Promise<unknown>) {
  const [cpu, start] = [treeCpuSeconds(running.pids()), performance.now()];
  await move();
  const seconds = (performance.now() - start) / 1000;
  const used = treeCpuSeconds(running.pids()) - cpu;
  return { megabytesPerSecond: bytes / MEGABYTE / seconds, cpuPerGigabyte: used / (bytes / 1e9) };
}

async function parallel(running: Running, { streams, size }: TrafficPlan) {
  const share = Math.ceil(size / 2 / streams);
  const open = await Promise.all(Array.from({ length: streams }, () => connectPatiently(running)));
  try {
    return await bulk(running, share * streams, () =>
      Promise.all(open.map((connection) => upload(connection, share))),
    );
  } finally {
    for (const connection of open) await connection.close();
    // Until there is room again for what comes next.
    const probes = await Promise.all(
      Array.from({ length: 2 * CONNECTING_AT_ONCE }, () => connectPatiently(running)),
    );
    for (const connection of probes) await connection.close();
  }
}

/** The companion takes 64 connections, as many as are opened here: one that has just ended may still count. */
async function connectPatiently(running: Running): Promise<Connection> {
  for (let tries = 0; ; tries++) {
    const connection = await running.connect();
    try {
      await echo(connection, 1);
      return connection;
    } catch (error) {
      await connection.close();
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function underLoad<T>(running: Running, measure: () => Promise<T>): Promise<T> {
  const load: Connection = await running.connect();
  const ending = new AbortController();
  try {
    await echo(load, 10);
    uploadForEver(load, ending.signal);
    return await measure();
  } finally {
    ending.abort();
    await load.close();
  }
}

/** Each is opened, carries one message there and back, and is closed. */
async function shortConnections(running: Running, count: number): Promise<Measured> {
  const times: number[] = [];
  let left = count;
  const [cpu, start] = [treeCpuSeconds(running.pids()), performance.now()];
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const begun = performance.now();
      const connection = await running.connect();
      try {
        await echo(connection, 1);
        times.push(performance.now() - begun);
      } finally {
        await connection.close();
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, worker));
  return {
    connectP50Ms: median(times),
    connectP99Ms: percentile(times, 0.99),
    connectionsPerSecond: count / ((performance.now() - start) / 1000),
    connectionCpuMs: ((treeCpuSeconds(running.pids()) - cpu) / count) * 1000,
  };
}

async function startTargetProcess(directory: string): Promise<{ port: number; stop(): Promise<void> }> {
  const { child, stop } = await startProcess([process.execPath, TARGET], {
    logFile: join(directory, "target.log"),
    cwd: directory,
    stdio: ["pipe", "pipe"],
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (data: Buffer) => resolve(data.toString()));
    child.once("exit", (code) => reject(new Error(`the target ended with ${code}`)));
  });
  const ready: unknown = JSON.parse(line);
  if (typeof ready !== "object" || ready === null || !("port" in ready))
    throw new Error(`not a target: ${line}`);
  return { port: Number(ready.port), stop };
}
