// The metrics of a gateway of several processes: asks every worker for its own, and aggregates them.

import { AggregatorRegistry, type Registry } from "prom-client";
import type { MetricsRegistry } from "../../metrics.ts";
import type { FromWorker } from "../messages.ts";
import { Questions } from "../questions.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** A worker that does not answer within this time is left out. */
const ANSWER_MS = 2_000;

export class WorkerMetrics implements Pick<MetricsRegistry, "render"> {
  readonly #workers: () => readonly WorkerProcess[];
  readonly #own: Registry;
  readonly #questions = new Questions<object[]>();

  /** @param own what the primary counts itself */
  constructor(workers: () => readonly WorkerProcess[], own: Registry) {
    this.#workers = workers;
    this.#own = own;
  }

  receive({ request, metrics }: Extract<FromWorker, { type: "metrics" }>): void {
    this.#questions.answer(request, metrics);
  }

  async render(): Promise<{ contentType: string; body: string }> {
    const answers = await Promise.all(
      this.#workers().map((worker) =>
        this.#questions.ask((request) => worker.send({ type: "metrics", request }), {
          ms: ANSWER_MS,
          answer: [],
        }),
      ),
    );
    const all = AggregatorRegistry.aggregate([...answers, await this.#own.getMetricsAsJSON()]);
    return { contentType: all.contentType, body: await all.metrics() };
  }
}
