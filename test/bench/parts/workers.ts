// What a second worker gains: bytes through independent tunnels by a gateway of one worker and of two. The load takes
// as much CPU as the gateway, so seconds on the clock would say more about how the two share a small machine. What is
// measured is CPU time: a gateway is full once the busiest of its processes fills a core, so it can carry as many bytes
// per second as that process carries in a second of its CPU time. All processes of the gateway share one core here, the
// load has another.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import type { WebSocket } from "ws";
import { type Gateway, startGateway } from "../../support/stack.ts";
import type { Certificate } from "../certificate.ts";
import { openHost, openTunnel } from "../load/gateway-load.ts";
import { childrenOf, cpuSeconds } from "../process-usage.ts";

const STREAMS = 16;
const CHUNK = Buffer.alloc(64 * 1024, "sallyport");
/** The chunks of one stream. */
const CHUNKS = 1_000;
const GIGABYTES = (STREAMS * CHUNKS * CHUNK.length) / 1e9;
/** On their way at a time, of one stream. */
const IN_FLIGHT = 8;
const ROUNDS = 5;

export interface WorkersFigure {
  readonly transport: "http" | "https";
  readonly workers: number;
  /** CPU seconds a GB: of all the gateway's processes, of the busiest of them, and of the primary. */
  readonly cpuPerGigabyte: number;
  readonly busiestPerGigabyte: number;
  readonly primaryPerGigabyte: number;
  /** Where the busiest process fills a core; median of the rounds. */
  readonly capacityMegabytesPerSecond: number;
  /** Capacity, beside one worker's in the same round; median of the rounds. */
  readonly ratio: number;
  /** On the clock, with all of the gateway on one core. */
  readonly oneCoreMegabytesPerSecond: number;
}

type Round = Omit<WorkersFigure, "transport" | "workers" | "ratio">;

export async function measureWorkers(directory: string, certificate: Certificate): Promise<WorkersFigure[]> {
  tls.setDefaultCACertificates([readFileSync(certificate.authority, "utf8")]);
  const tlsArgs = ["--tls-cert", certificate.certFile, "--tls-key", certificate.keyFile];
  const figures: WorkersFigure[] = [];
  for (const transport of ["http", "https"] as const) {
    const rounds = new Map<number, Round[]>([
      [1, []],
      [2, []],
    ]);
    // In turn: what else the machine does then falls on both.
    for (let round = 0; round < ROUNDS; round++) {
      for (const [workers, results] of rounds) {
        const below = join(directory, `${transport}-${round}-${workers}`);
        mkdirSync(below, { mode: 0o700 });
        results.push(await measure(below, workers, transport === "https" ? tlsArgs : []));
      }
    }
    const capacity = (round: Round | undefined) => round?.capacityMegabytesPerSecond ?? Number.NaN;
    for (const [workers, results] of rounds) {
      const ratios = results.map((result, round) => capacity(result) / capacity(rounds.get(1)?.[round]));
      const ratio = Math.round(medianBy(ratios, (each) => each) * 100) / 100;
      figures.push({ transport, workers, ...medianBy(results, capacity), ratio });
    }
  }
  return figures;
}

async function measure(directory: string, workers: number, tlsArgs: readonly string[]): Promise<Round> {
  const gatewayArgs = ["--http", "127.0.0.1:0", "--workers", String(workers), ...tlsArgs];
  const gateway = await startGateway({ directory, gatewayArgs });
  const sockets: WebSocket[] = [];
  try {
    const pairs = await openStreams(gateway, sockets);
    const { pid } = gateway.program;
    const pids = workers === 1 ? [pid] : [pid, ...childrenOf(pid)];
    pin(pids);
    const usage = () => pids.map((each) => cpuSeconds(each) ?? 0);
    // The first part warms up the code.
    await Promise.all(pairs.map(({ client, host }) => send(client, host, CHUNKS / 4)));
    const before = usage();
    const start = performance.now();
    await Promise.all(pairs.map(({ client, host }) => send(client, host, CHUNKS)));
    const seconds = (performance.now() - start) / 1000;
    const used = usage().map((value, i) => value - (before[i] ?? 0));
    const busiest = Math.max(...used);
    return {
      cpuPerGigabyte: rounded(used.reduce((sum, value) => sum + value, 0) / GIGABYTES),
      busiestPerGigabyte: rounded(busiest / GIGABYTES),
      primaryPerGigabyte: workers === 1 ? 0 : rounded((used[0] ?? 0) / GIGABYTES),
      capacityMegabytesPerSecond: Math.round((GIGABYTES * 1000) / busiest),
      oneCoreMegabytesPerSecond: Math.round((GIGABYTES * 1000) / seconds),
    };
  } finally {
    for (const socket of sockets)
      socket
        .removeAllListeners()
        .on("error", () => {})
        .terminate();
    await gateway.program.stop();
  }
}

/** One workspace and one tunnel for each stream. */
async function openStreams(
  { url, tokenFile }: Gateway,
  sockets: WebSocket[],
): Promise<{ client: WebSocket; host: WebSocket }[]> {
  const token = readFileSync(tokenFile, "utf8").trim();
  const names = Array.from({ length: STREAMS }, (_, i) => `stream-${i}`);
  const dialled = names.map(() => Promise.withResolvers<WebSocket>());
  const hosts = names.map((name, i) => openHost(url, token, name, (stream) => dialled[i]?.resolve(stream)));
  sockets.push(...(await Promise.all(hosts)));
  return Promise.all(
    names.map(async (name, i) => {
      const client = await openTunnel(url, token, name);
      const host = await dialled[i]?.promise;
      if (host === undefined) throw new Error("no stream");
      sockets.push(client, host);
      return { client, host };
    }),
  );
}

async function send(client: WebSocket, host: WebSocket, chunks: number): Promise<void> {
  let [sent, received] = [0, 0];
  const all = new Promise<void>((resolve) => {
    const count = (data: unknown): void => {
      received += Buffer.isBuffer(data) ? data.length : 0;
      if (received < chunks * CHUNK.length) return;
      host.off("message", count);
      resolve();
    };
    host.on("message", count);
  });
  const next = (): void => {
    if (sent++ < chunks) client.send(CHUNK, { binary: true }, next);
  };
  for (let i = 0; i < IN_FLIGHT; i++) next();
  await all;
}

/** This process goes to the last core and the gateway to the first one, so that both gateways have the same beside them. */
function pin(pids: readonly number[]): void {
  const to = (core: number, pid: number) =>
    spawnSync("taskset", ["-a", "-c", "-p", String(core), String(pid)], { stdio: "ignore" });
  to(availableParallelism() - 1, process.pid);
  for (const pid of pids) to(0, pid);
}

function medianBy<T>(values: readonly T[], key: (value: T) => number): T {
  const sorted = [...values].sort((a, b) => key(a) - key(b));
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("nothing was measured");
  return middle;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
