// Runs a proxy auto-configuration script once, in its own thread: QuickJS checks its bounds between two steps of a script, and
// one step can take long. Then find-proxy.ts ends the thread.
//
// QuickJS is compiled to WebAssembly, bounds the script's memory and time, and gives it no function of ours to call.

import { parentPort } from "node:worker_threads";
import { QuickJS } from "quickjs-wasi";
import { PAC_FUNCTIONS } from "./pac-functions.ts";
import { PAC_BOUNDS, type PacQuestion, type PacRun } from "./pac-run.ts";
import { quickJsModule } from "./quickjs-module.ts";

parentPort?.on("message", (question: PacQuestion) => {
  void runOnce(question).then((run) => parentPort?.postMessage(run));
});

async function runOnce({ script, url, host, names, address, milliseconds }: PacQuestion): Promise<PacRun> {
  let deadline = Number.POSITIVE_INFINITY;
  using engine = await QuickJS.create({
    wasm: await quickJsModule(),
    memoryLimit: PAC_BOUNDS.memory,
    maxStackSize: PAC_BOUNDS.stack,
    interruptHandler: () => performance.now() > deadline,
    timezoneOffset: "host",
  });
  // Under a second name, so that it can be read after the functions have deleted theirs.
  evaluate(
    engine,
    `__names = ${JSON.stringify(Object.fromEntries(names))}; __wanted = []; __address = ${JSON.stringify(address)};`,
  );
  evaluate(engine, "Object.defineProperty(globalThis, '__asked', { value: __wanted });");
  evaluate(engine, PAC_FUNCTIONS);
  let answer: string | undefined;
  let error: string | undefined;
  let wanted: string[] = [];
  // From here on: the time to load QuickJS does not count.
  deadline = performance.now() + milliseconds;
  try {
    engine.evalCode(script, "proxy.pac").dispose();
    const call = `String(FindProxyForURL(${JSON.stringify(url)}, ${JSON.stringify(host)})).slice(0, ${PAC_BOUNDS.answer})`;
    const value: unknown = engine.evalCode(call).consume((handle) => engine.dump(handle));
    answer = typeof value === "string" ? value : undefined;
  } catch (thrown) {
    error = reasonOf(thrown);
  }
  try {
    wanted = wantedNames(engine);
  } catch (thrown) {
    // The same bounds hold here. Without the list of wanted names it is not known whether the answer counts.
    answer = undefined;
    error ??= reasonOf(thrown);
  }
  if (performance.now() > deadline) return { answer: undefined, wanted: [], error: "it takes too long" };
  return { answer, wanted, error };
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : "it failed";
}

function wantedNames(engine: QuickJS): string[] {
  const value: unknown = engine.evalCode("__asked").consume((handle) => engine.dump(handle));
  if (!Array.isArray(value)) return [];
  return value
    .filter((name): name is string => typeof name === "string" && /^[a-z0-9_.-]{1,253}$/.test(name))
    .slice(0, PAC_BOUNDS.lookups + 1);
}

function evaluate(engine: QuickJS, code: string): void {
  engine.evalCode(code).dispose();
}
