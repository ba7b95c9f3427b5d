// One worker as the primary sees it: its process from fork to end, and its checked messages.

import type { Worker } from "node:cluster";
import cluster from "node:cluster";
import { Socket } from "node:net";
import { isSea } from "node:sea";
import type { GatewayOptions } from "../../program/options.ts";
import { type FromPrimary, type FromWorker, parseFromWorker } from "../messages.ts";
import { stopReading } from "../stop-reading.ts";
import { environmentWith } from "../worker-options.ts";

/**
 * Workers do not get what is preloaded into the primary or debugs it. They get its memory limits, which
 * containers set in NODE_OPTIONS.
 */
const OWN_ENVIRONMENT: NodeJS.ProcessEnv = {
  NODE_OPTIONS: memoryOptions(process.env.NODE_OPTIONS ?? ""),
  NODE_V8_COVERAGE: undefined,
  NODE_REDIRECT_WARNINGS: undefined,
};

/** The words of NODE_OPTIONS that set V8's heap sizes. */
export function memoryOptions(nodeOptions: string): string {
  const isMemory = (word: string) =>
    /^--max[-_](?:old|semi)[-_]space[-_]size(?:[-_]percentage)?=\d+$/.test(word);
  return nodeOptions.split(/\s+/).filter(isMemory).join(" ");
}

interface WorkerOutcome {
  received(message: FromWorker): void;
  /** The worker gives a connection to the worker in slot `to`. */
  handedOver(to: number, bytes: string, socket: Socket): void;
  failed(error: unknown): void;
  /** With its exit code or its signal. */
  ended(how: string): void;
}

export class WorkerProcess {
  readonly slot: number;
  readonly startedAt = Date.now();
  readonly #worker: Worker;
  readonly ended: Promise<void>;

  constructor(slot: number, options: GatewayOptions, outcome: WorkerOutcome) {
    this.slot = slot;
    // By default a worker's first argument is the script that this process runs, and an executable has none.
    if (isSea()) cluster.setupPrimary({ exec: process.argv[2], args: process.argv.slice(3) });
    this.#worker = cluster.fork({ ...OWN_ENVIRONMENT, ...environmentWith(options) });
    this.#worker.on("message", (value: unknown, handle: unknown) => receive(value, handle, outcome));
    this.#worker.on("error", (error) => outcome.failed(error));
    this.ended = new Promise((resolve) => {
      this.#worker.once("exit", (code, signal) => {
        outcome.ended(signal ?? `code ${code}`);
        resolve();
      });
    });
  }

  /** Unique: no later worker has it again. */
  get id(): number {
    return this.#worker.id;
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  send(message: FromPrimary): void {
    // A worker that is about to end misses it, and reports its end by itself.
    if (this.#worker.isConnected())
      this.#worker.process.send?.(message, undefined, undefined, () => undefined);
  }

  /** Passes a connection on. It is closed in this process once the worker has it. */
  sendSocket(message: FromPrimary, socket: Socket): void {
    if (!this.#worker.isConnected()) socket.destroy();
    else this.#worker.process.send?.(message, socket, undefined, () => socket.destroy());
  }

  kill(): void {
    this.#worker.process.kill("SIGKILL");
  }
}

function receive(value: unknown, handle: unknown, outcome: WorkerOutcome): void {
  const socket = handle instanceof Socket ? handle : undefined;
  // A client that leaves now must not end the primary.
  socket?.on("error", () => socket.destroy());
  try {
    const message = parseFromWorker(value);
    if (message.type !== "handover") outcome.received(message);
    // undefined: the client has left.
    else if (socket === undefined) return;
    else if (stopReading(socket)) outcome.handedOver(message.to, message.bytes, socket);
    else socket.destroy();
  } catch (error) {
    socket?.destroy();
    outcome.failed(error);
  }
}
