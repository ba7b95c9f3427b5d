// Asks a proxy auto-configuration script for a proxy. Such a script is a program that a network hands out, often over plain
// http; see worker.ts for its sandbox.
//
// A script asks for addresses synchronously. It is stopped at the first name whose address is not known, the name is looked up
// here, and the script runs again from its beginning; browsers do the same.

import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { CommandError } from "../../command-error.ts";
import { executable } from "../../executable.ts";
import { bundledFile } from "./bundled-file.ts";
import { PAC_BOUNDS, type PacQuestion, type PacRun } from "./pac-run.ts";

/** The thread is ended after this many times the bound of a run; it also has to load its code in that time. */
const HARD_LIMIT_RUNS = 3;

export interface PacWorld {
  /** The IPv4 address of a name; undefined: it has none. */
  lookUp(name: string): Promise<string | undefined>;
  /** This machine's IPv4 address. */
  readonly ownAddress: string;
}

/**
 * The value that `FindProxyForURL` returns, such as `PROXY a:3128; DIRECT`.
 * @param url without path and query, which the network need not know
 * @param milliseconds bound of each run
 * @throws CommandError stage `proxy`, code `pac_failed`; the signal's reason
 */
export async function findProxy(
  script: string,
  url: string,
  host: string,
  world: PacWorld,
  signal: AbortSignal,
  milliseconds: number = PAC_BOUNDS.milliseconds,
): Promise<string> {
  const names = new Map<string, string | null>();
  const worker = startWorker();
  try {
    for (;;) {
      const question: PacQuestion = { script, url, host, names, address: world.ownAddress, milliseconds };
      const { answer, wanted, error } = await ask(worker, question, signal);
      if (wanted.length === 0) {
        if (answer !== undefined) return answer;
        throw failed(error ?? "it returned nothing");
      }
      if (names.size + wanted.length > PAC_BOUNDS.lookups) throw failed("it asks for too many names");
      for (const name of wanted) names.set(name, (await world.lookUp(name)) ?? null);
    }
  } finally {
    await worker.terminate();
  }
}

function startWorker(): Worker {
  const built = executable()?.asset("pac-worker.js");
  const code =
    built === undefined
      ? (bundledFile("pac-worker.js") ?? fileURLToPath(new URL("./worker.ts", import.meta.url)))
      : Buffer.from(built).toString("utf8");
  const worker = new Worker(code, {
    eval: built !== undefined,
    // The executable's thread has no file to read it from.
    workerData: executable()?.asset("quickjs.wasm"),
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  // An error without a listener would end the process.
  worker.on("error", () => undefined);
  return worker;
}

function ask(worker: Worker, question: PacQuestion, signal: AbortSignal): Promise<PacRun> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      worker.off("message", onMessage);
      worker.off("error", onError);
      worker.off("exit", onExit);
    };
    const fail = (error: unknown): void => {
      settle();
      reject(error);
    };
    const onMessage = (run: PacRun): void => {
      settle();
      resolve(run);
    };
    const onError = (error: unknown): void =>
      fail(failed(error instanceof Error ? error.message : "it failed"));
    const onExit = (): void => fail(failed("it ended its thread"));
    const onAbort = (): void => fail(signal.reason);
    const hardLimit = HARD_LIMIT_RUNS * question.milliseconds;
    const timer = setTimeout(() => fail(failed("it takes too long")), hardLimit);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) return onAbort();
    worker.on("message", onMessage);
    worker.on("error", onError);
    worker.on("exit", onExit);
    worker.postMessage(question);
  });
}

function failed(why: string): CommandError {
  return new CommandError(
    "proxy",
    "pac_failed",
    `The proxy script cannot be used: ${why.slice(0, 300)}. Tell your network's administrator, or name the proxy by --proxy.`,
  );
}
