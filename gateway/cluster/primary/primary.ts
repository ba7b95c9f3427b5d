// `--workers N`: the primary of several processes that serve one address. It prepares the data directory, starts the
// workers, hands them connections in turn (node:cluster), and starts a worker anew that has ended. It carries no bytes.

import cluster from "node:cluster";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS } from "../../../protocol/limits.ts";
import { formatAddress, type ListenAddress } from "../../address.ts";
import { loadHostKeys } from "../../host-keys/host-keys.ts";
import { createGatewayLog } from "../../log.ts";
import { createMetricsServer } from "../../metrics.ts";
import { createFirstAdmin } from "../../program/first-admin.ts";
import type { GatewayOptions } from "../../program/options.ts";
import { START_STAGES, StartError } from "../../program/start-error.ts";
import { closeServer, listen, trackConnections } from "../../server.ts";
import { lockDataDir, openDatabase, prepareDataDir } from "../../store/database/sqlite.ts";
import { Store } from "../../store/store.ts";
import type { FromWorker } from "../messages.ts";
import type { News } from "../news.ts";
import { MetricsOfAll } from "./metrics-of-all.ts";
import { Switchboard } from "./switchboard.ts";
import { WorkerProcess } from "./worker-process.ts";

/** A worker that has lived this long starts anew without a wait. */
const STEADY_MS = 60_000;
/** Workers promise to be gone within 10 s; whoever stops the gateway was promised the same. */
const KILL_AFTER_MS = 9_000;

/** What the command shows and ends. */
export interface RunningWorkers {
  readonly httpUrl: string;
  readonly metricsUrl: string | null;
  readonly ssh: ListenAddress | null;
  readonly adminToken?: string;
  reloadTls(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param writeLog gets each log line, complete with its line end; the workers write to this process's stderr themselves
 * @throws StartError; nothing is left running
 */
export async function startWorkers(
  options: GatewayOptions,
  writeLog: (line: string) => void,
): Promise<RunningWorkers> {
  const log = createGatewayLog(options.logLevel, writeLog);
  await using started = new AsyncDisposableStack();
  prepareDataDir(options.dataDir);
  const lock = lockDataDir(options.dataDir);
  started.defer(() => lock.release());
  await loadHostKeys(options.dataDir);
  // Brings the database up to date, before any worker looks at it.
  const store = await Store.open(openDatabase(options.dataDir), {
    log,
    onOwnChange: (change, durability) => primary.tell({ kind: "directory", change, durability }),
  });
  started.defer(() => store.close());

  const directory = mkdtempSync(join(tmpdir(), "sallyport-"));
  started.defer(() => rmSync(directory, { recursive: true, force: true }));
  const primary = new Primary(options.workers, directory, log, store);
  started.defer(() => primary.close());
  const metrics = new MetricsOfAll(() => primary.ready());
  primary.onMetrics = (worker, message) => metrics.receive(worker, message);
  const { http, ssh } = await primary.start();

  let metricsUrl: string | null = null;
  if (options.metrics !== null) {
    const server = createMetricsServer(metrics);
    const readers = trackConnections(server);
    metricsUrl = `http://${formatAddress(await listen(server, options.metrics))}/metrics`;
    started.defer(() => closeServer(server, readers));
  }
  const adminToken = await createFirstAdmin(store);
  log.info({ workers: options.workers }, "The gateway's workers are ready.");
  const parts = started.move();
  let closed: Promise<void> | undefined;
  return {
    httpUrl: http,
    ssh,
    metricsUrl,
    ...(adminToken === undefined ? {} : { adminToken }),
    reloadTls: async () => primary.reloadTls(),
    close: () => {
      closed ??= parts.disposeAsync();
      return closed;
    },
  };
}

interface Served {
  readonly http: string;
  readonly ssh: ListenAddress | null;
}

interface Place {
  worker: WorkerProcess | undefined;
  isReady: boolean;
  /** How often in a row it has ended soon. */
  failures: number;
  restart: NodeJS.Timeout | undefined;
}

class Primary {
  onMetrics: (worker: WorkerProcess, message: Extract<FromWorker, { type: "metrics" }>) => void = () =>
    undefined;
  readonly #directory: string;
  readonly #log: Logger;
  readonly #store: Store;
  readonly #switchboard = new Switchboard();
  readonly #places: Place[];
  /** While the gateway starts: what becomes of its workers. */
  #starting: { ready(served: Served): void; failed(error: Error): void } | undefined;
  #closing = false;

  /** @param store keeps what workers revoke and cannot write, for workers that start, and writes it for those that end */
  constructor(count: number, directory: string, log: Logger, store: Store) {
    this.#directory = directory;
    this.#log = log;
    this.#store = store;
    this.#places = Array.from({ length: count }, () => ({
      worker: undefined,
      isReady: false,
      failures: 0,
      restart: undefined,
    }));
    // In turn, and by the primary: a worker then has heard of everything that the primary knew when it took a connection.
    cluster.schedulingPolicy = cluster.SCHED_RR;
  }

  /** One after the other: what is wrong with the first one would be wrong with all. @throws StartError */
  async start(): Promise<Served> {
    let served: Served | undefined;
    for (const slot of this.#places.keys()) {
      const started = await new Promise<Served>((resolve, reject) => {
        this.#starting = { ready: resolve, failed: reject };
        this.#fork(slot);
      });
      served ??= started;
    }
    this.#starting = undefined;
    if (served === undefined) throw new Error("there is no worker to start");
    return served;
  }

  ready(): WorkerProcess[] {
    return this.#places.flatMap(({ worker, isReady }) => (worker !== undefined && isReady ? [worker] : []));
  }

  reloadTls(): void {
    for (const worker of this.ready()) worker.send({ type: "reload-tls" });
  }

  tell(news: News): void {
    this.#switchboard.tell(news);
  }

  async close(): Promise<void> {
    this.#closing = true;
    for (const { restart } of this.#places) clearTimeout(restart);
    const workers = this.#places.flatMap(({ worker }) => worker ?? []);
    for (const worker of workers) worker.send({ type: "stop" });
    const kill = setTimeout(() => {
      for (const worker of workers) worker.kill();
    }, KILL_AFTER_MS);
    await Promise.all(workers.map((worker) => worker.ended));
    clearTimeout(kill);
  }

  #fork(slot: number): void {
    const place = this.#places[slot];
    if (place === undefined || this.#closing) return;
    const worker: WorkerProcess = new WorkerProcess(slot, {
      received: (message) => this.#receive(worker, message),
      handedOver: (to, bytes, socket) => {
        const other = this.#places[to]?.worker;
        if (other === undefined) socket.destroy();
        else other.sendSocket({ type: "handover", bytes }, socket);
      },
      failed: (err) => this.#log.error({ err, slot }, "a worker's line failed"),
      ended: (how) => this.#ended(worker, how),
    });
    place.worker = worker;
  }

  #receive(worker: WorkerProcess, message: FromWorker): void {
    const place = this.#places[worker.slot];
    if (place?.worker !== worker) return;
    switch (message.type) {
      case "hello":
        worker.send({
          type: "welcome",
          worker: worker.id,
          slot: worker.slot,
          count: this.#places.length,
          directory: this.#directory,
          routes: this.#switchboard.routes(),
        });
        this.#switchboard.add(worker);
        for (const change of this.#store.unwritten.all()) {
          worker.send({ type: "news", news: { kind: "directory", change, durability: "pending" } });
        }
        return;
      case "ready":
        place.isReady = true;
        this.#switchboard.ready(worker);
        this.#log.info({ slot: worker.slot, pid: worker.pid }, "A worker is ready.");
        this.#starting?.ready({ http: message.http, ssh: message.ssh });
        return;
      case "failed":
        this.#failed(worker, message.stage, message.message);
        return;
      case "metrics":
        this.onMetrics(worker, message);
        return;
      case "handover":
        // Comes with a connection, so it does not come here.
        return;
      case "news":
        if (message.news.kind === "directory") {
          this.#store.follow(message.news.change, message.news.durability, worker);
        }
        this.#switchboard.receive(worker, message);
        return;
      default:
        this.#switchboard.receive(worker, message);
    }
  }

  #failed(worker: WorkerProcess, stage: string, message: string): void {
    this.#log.error({ slot: worker.slot, stage }, message);
    this.#starting?.failed(
      new StartError(START_STAGES.find((known) => known === stage) ?? "worker", message),
    );
    worker.send({ type: "stop" });
  }

  #ended(worker: WorkerProcess, how: string): void {
    const place = this.#places[worker.slot];
    if (place?.worker !== worker) return;
    place.worker = undefined;
    place.isReady = false;
    this.#switchboard.remove(worker);
    if (this.#closing) return;
    this.#log.error({ slot: worker.slot, how }, "A worker has ended.");
    this.#store.unwritten.adopt(worker);
    if (this.#starting !== undefined) {
      this.#starting.failed(new StartError("worker", `A worker ended before it was ready (${how}).`));
      return;
    }
    place.failures = Date.now() - worker.startedAt < STEADY_MS ? place.failures + 1 : 0;
    const wait =
      place.failures === 0 ? 0 : Math.min(BACKOFF_MIN_MS * 2 ** (place.failures - 1), BACKOFF_MAX_MS);
    place.restart = setTimeout(() => this.#fork(worker.slot), wait);
  }
}
