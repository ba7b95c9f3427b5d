// One worker as the primary sees it: its process from fork to end, and its messages, checked.

import type { Worker } from "node:cluster";
import cluster from "node:cluster";
import { Socket } from "node:net";
import { type FromPrimary, type FromWorker, parseFromWorker } from "../messages.ts";
import { stopReading } from "../worker/stop-reading.ts";

/**
 * What is preloaded into the primary, or debugs it, is not for its workers. What the operator says about memory is: NODE_OPTIONS
 * is where containers say it.
 */
const OWN_ENVIRONMENT: NodeJS.ProcessEnv = {
  NODE_OPTIONS: memoryOptions(process.env.NODE_OPTIONS ?? ""),
  NODE_V8_COVERAGE: undefined,
  NODE_REDIRECT_WARNINGS: undefined,
};

/** Pure: the words of NODE_OPTIONS that set V8's heap sizes. */
export function memoryOptions(nodeOptions: string): string {
  const isMemory = (word: string) =>
    /^--max[-_](?:old|semi)[-_]space[-_]size(?:[-_]percentage)?=\d+$/.test(word);
  return nodeOptions.split(/\s+/).filter(isMemory).join(" ");
}

export interface WorkerOutcome {
  received(message: FromWorker): void;
  /** The worker gives a connection away to the one in a slot. */
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

  constructor(slot: number, outcome: WorkerOutcome) {
    this.slot = slot;
    this.#worker = cluster.fork(OWN_ENVIRONMENT);
    this.#worker.on("message", (value: unknown, handle: unknown) => receive(value, handle, outcome));
    this.#worker.on("error", (error) => outcome.failed(error));
    this.ended = new Promise((resolve) => {
      this.#worker.once("exit", (code, signal) => {
        outcome.ended(signal ?? `code ${code}`);
        resolve();
      });
    });
  }

  /** Never used again for another one. */
  get id(): number {
    return this.#worker.id;
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  send(message: FromPrimary): void {
    // One that is about to end is heard of by its end.
    if (this.#worker.isConnected())
      this.#worker.process.send?.(message, undefined, undefined, () => undefined);
  }

  /** Passes a connection on, which is closed here once it is there. */
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
  // A client that is gone meanwhile must not end the primary.
  socket?.on("error", () => socket.destroy());
  try {
    const message = parseFromWorker(value);
    if (message.type !== "handover") outcome.received(message);
    // undefined: the client left on the way.
    else if (socket === undefined) return;
    else if (stopReading(socket)) outcome.handedOver(message.to, message.bytes, socket);
    else socket.destroy();
  } catch (error) {
    socket?.destroy();
    outcome.failed(error);
  }
}
