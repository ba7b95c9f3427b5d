// The primary of several processes that serve one address: starts the workers, hands them connections in turn
// (node:cluster), and restarts a worker that has ended. It carries no bytes.

import cluster from "node:cluster";
import type { Logger } from "pino";
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS } from "../../../protocol/limits.ts";
import type { ListenAddress } from "../../address.ts";
import type { GatewayOptions } from "../../program/options.ts";
import { START_STAGES, StartError } from "../../program/start-error.ts";
import type { Store } from "../../store/store.ts";
import type { FromWorker } from "../messages.ts";
import type { News } from "../news.ts";
import { Switchboard } from "./switchboard.ts";
import { WorkerProcess } from "./worker-process.ts";

/** A worker that lived at least this long is restarted at once when it ends. */
const STEADY_MS = 60_000;
/** Workers end within 10 s when they are told to stop; so must the gateway. */
const KILL_AFTER_MS = 9_000;

interface PrimaryOptions {
  readonly log: Logger;
  /**
   * Keeps revocations that workers could not write: tells them to workers that start, and writes those of
   * workers that end.
   */
  readonly store: Store;
  readonly onMetrics: (message: Extract<FromWorker, { type: "metrics" }>) => void;
}

interface Served {
  readonly http: string;
  readonly ssh: ListenAddress | null;
}

/** What runs in one slot. */
interface SlotState {
  worker: WorkerProcess | undefined;
  isReady: boolean;
  /** How many times in a row its worker ended soon after its start. */
  failures: number;
  restart: NodeJS.Timeout | undefined;
}

export class Primary {
  readonly #options: GatewayOptions;
  readonly #directory: string;
  readonly #log: Logger;
  readonly #store: Store;
  readonly #onMetrics: PrimaryOptions["onMetrics"];
  readonly #switchboard = new Switchboard();
  readonly #slots: SlotState[];
  /** Settles the start of the worker that is being started; undefined once the gateway runs. */
  #starting: { ready(served: Served): void; failed(error: Error): void } | undefined;
  #closing = false;

  /**
   * @param options for every worker, whenever it starts
   * @param directory where the workers listen for each other
   */
  constructor(options: GatewayOptions, directory: string, { log, store, onMetrics }: PrimaryOptions) {
    this.#options = options;
    this.#directory = directory;
    this.#log = log;
    this.#store = store;
    this.#onMetrics = onMetrics;
    this.#slots = Array.from({ length: options.workers }, () => ({
      worker: undefined,
      isReady: false,
      failures: 0,
      restart: undefined,
    }));
    // The primary hands out the connections: a worker that gets one has heard of everything that the primary
    // knew then.
    cluster.schedulingPolicy = cluster.SCHED_RR;
  }

  /**
   * Starts the workers one after the other, since what fails for the first would fail for all.
   * @throws StartError
   */
  async start(): Promise<Served> {
    let served: Served | undefined;
    for (const slot of this.#slots.keys()) {
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
    return this.#slots.flatMap(({ worker, isReady }) => (worker !== undefined && isReady ? [worker] : []));
  }

  reloadTls(): void {
    for (const worker of this.ready()) worker.send({ type: "reload-tls" });
  }

  tell(news: News): void {
    this.#switchboard.tell(news);
  }

  async close(): Promise<void> {
    this.#closing = true;
    for (const { restart } of this.#slots) clearTimeout(restart);
    const workers = this.#slots.flatMap(({ worker }) => worker ?? []);
    for (const worker of workers) worker.send({ type: "stop" });
    const kill = setTimeout(() => {
      for (const worker of workers) worker.kill();
    }, KILL_AFTER_MS);
    await Promise.all(workers.map((worker) => worker.ended));
    clearTimeout(kill);
  }

  #fork(slot: number): void {
    const state = this.#slots[slot];
    if (state === undefined || this.#closing) return;
    const worker: WorkerProcess = new WorkerProcess(slot, this.#options, {
      received: (message) => this.#receive(worker, message),
      handedOver: (to, bytes, socket) => {
        const other = this.#slots[to]?.worker;
        if (other === undefined) socket.destroy();
        else other.sendSocket({ type: "handover", bytes }, socket);
      },
      failed: (err) => this.#log.error({ err, slot }, "a worker's line failed"),
      ended: (how) => this.#ended(worker, how),
    });
    state.worker = worker;
  }

  #receive(worker: WorkerProcess, message: FromWorker): void {
    const state = this.#slots[worker.slot];
    if (state?.worker !== worker) return;
    switch (message.type) {
      case "hello":
        worker.send({
          type: "welcome",
          worker: worker.id,
          slot: worker.slot,
          count: this.#slots.length,
          directory: this.#directory,
          routes: this.#switchboard.routes(),
        });
        this.#switchboard.add(worker);
        for (const change of this.#store.unwritten.all()) {
          worker.send({ type: "news", news: { kind: "directory", change, durability: "pending" } });
        }
        return;
      case "ready":
        state.isReady = true;
        this.#switchboard.ready(worker);
        // The certificate may have been replaced since the worker read it.
        if (this.#options.tls !== null) worker.send({ type: "reload-tls" });
        this.#log.info({ slot: worker.slot, pid: worker.pid }, "A worker is ready.");
        this.#starting?.ready({ http: message.http, ssh: message.ssh });
        return;
      case "failed":
        this.#failed(worker, message.stage, message.message);
        return;
      case "metrics":
        this.#onMetrics(message);
        return;
      case "handover":
        // WorkerProcess passes it to handedOver, with its connection.
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
    const state = this.#slots[worker.slot];
    if (state?.worker !== worker) return;
    state.worker = undefined;
    state.isReady = false;
    this.#switchboard.remove(worker);
    if (this.#closing) return;
    this.#log.error({ slot: worker.slot, how }, "A worker has ended.");
    this.#store.unwritten.adopt(worker);
    if (this.#starting !== undefined) {
      this.#starting.failed(new StartError("worker", `A worker ended before it was ready (${how}).`));
      return;
    }
    state.failures = Date.now() - worker.startedAt < STEADY_MS ? state.failures + 1 : 0;
    const wait =
      state.failures === 0 ? 0 : Math.min(BACKOFF_MIN_MS * 2 ** (state.failures - 1), BACKOFF_MAX_MS);
    state.restart = setTimeout(() => this.#fork(worker.slot), wait);
  }
}
