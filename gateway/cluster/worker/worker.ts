// A worker: one of several processes that serve the same address. It is a whole gateway, except for what
// the primary does for all workers.

import process from "node:process";
import { clientAddressOf } from "../../address.ts";
import { type RunningGateway, startGateway } from "../../gateway.ts";
import type { GatewayOptions } from "../../program/options.ts";
import { reasonOf, StartError } from "../../program/start-error.ts";
import { type Channel, openChannel } from "../channel.ts";
import type { Welcome } from "../messages.ts";
import type { News } from "../news.ts";
import type { Siblings } from "../siblings.ts";
import { WorkerHandover } from "./handover.ts";
import { SiblingQuestions } from "./sibling-questions.ts";
import { WorkerRoutes } from "./worker-routes.ts";

/**
 * Serves until the primary tells it to stop, or `signal` is aborted. Where it cannot start, the primary
 * reports why.
 * @param writeError gets lines for the person, complete with their line end
 */
export async function runWorker(
  options: GatewayOptions,
  writeError: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const channel = openChannel(process, (error) => writeError(`sallyport: worker: ${reasonOf(error)}\n`));
  const stopped = untilStopped(channel, signal);
  const siblings = await greet(channel, options);
  let gateway: RunningGateway;
  try {
    gateway = await startGateway(options, writeError, {}, siblings);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    channel.send({ type: "failed", stage: error.stage, message: error.message.slice(0, 10_000) });
    return stopped;
  }
  const reload = (): void => {
    gateway.reloadTls().catch((error: unknown) => {
      writeError(`sallyport: tls: ${reasonOf(error)} The old certificate stays in use.\n`);
    });
  };
  channel.onMessage((message) => {
    if (message.type === "reload-tls") reload();
    if (message.type !== "metrics") return;
    const { request } = message;
    gateway.metrics.json().then(
      (metrics) => channel.send({ type: "metrics", request, metrics }),
      (error: unknown) => writeError(`sallyport: metrics: ${reasonOf(error)}\n`),
    );
  });
  // A terminal that hangs up signals the whole process group, workers included.
  process.on("SIGHUP", reload);
  channel.send({ type: "ready", http: gateway.httpUrl, ssh: gateway.ssh });
  await stopped;
  process.off("SIGHUP", reload);
  await gateway.close();
}

export function siblingsOf(
  channel: Channel,
  welcome: Welcome,
  options: Pick<GatewayOptions, "trustProxy">,
): Siblings {
  const routes = new WorkerRoutes(channel, welcome);
  const clientAddress = clientAddressOf(options.trustProxy);
  // News since the welcome, kept until there is a listener: revocations that are not written yet exist
  // nowhere else.
  const early: News[] = [];
  let hear = (news: News): void => void early.push(news);
  channel.onMessage((message) => {
    if (message.type === "news") hear(message.news);
  });
  return {
    slot: welcome.slot,
    count: welcome.count,
    routes,
    sessions: routes,
    pending: routes.pending,
    questions: new SiblingQuestions(channel),
    handover: new WorkerHandover({ channel, welcome, routes, clientAddress }),
    tell: (news) => channel.send({ type: "news", news }),
    onNews: (listener) => {
      hear = listener;
      for (const news of early.splice(0)) listener(news);
    },
  };
}

async function greet(channel: Channel, options: GatewayOptions): Promise<Siblings> {
  return new Promise((resolve) => {
    channel.onMessage((message) => {
      // In this turn: the messages after the welcome need their listeners.
      if (message.type === "welcome") resolve(siblingsOf(channel, message, options));
    });
    channel.send({ type: "hello" });
  });
}

async function untilStopped(channel: Channel, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    channel.onMessage((message) => {
      if (message.type === "stop") resolve();
    });
  });
}
