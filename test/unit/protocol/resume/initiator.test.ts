// How often the dialling end dials, where its connections are made and do not last.

import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { type Initiator, initiate } from "../../../../protocol/resume/initiator.ts";
import { PROCESS_BYTES, STEADY_MS, WINDOW_MAX } from "../../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../../protocol/resume/outgoing.ts";
import { Responder } from "../../../../protocol/resume/responder.ts";
import { MemorySocket } from "./memory-socket.ts";

const patient = { timeout: 10_000, interval: 5 };
const responder = new Responder({ budget: new ByteBudget(PROCESS_BYTES) });
let initiator: Initiator | undefined;
afterEach(() => initiator?.abort());

/** A stream to an echo, whose connections a middlebox cuts as it likes. */
function start() {
  const middlebox = { cutsOnceGreeted: false };
  const dials: number[] = [];
  let current: MemorySocket | undefined;
  const connect = (): MemorySocket => {
    const [near, far] = MemorySocket.pair();
    current = near;
    if (middlebox.cutsOnceGreeted) near.once("message", () => setImmediate(() => near.terminate()));
    responder.accept(far, "ada", (stream) => stream.pipe(stream));
    return near;
  };
  let isConnected = false;
  initiator = initiate(connect(), {
    window: WINDOW_MAX,
    budget: new ByteBudget(PROCESS_BYTES),
    dial: () => {
      dials.push(performance.now());
      return Promise.resolve(connect());
    },
    isFinal: () => false,
    onState: (state) => {
      isConnected = state === "connected";
    },
  });
  initiator.stream.on("error", () => undefined);
  const echoed: Buffer[] = [];
  initiator.stream.on("data", (bytes: Buffer) => echoed.push(bytes));
  return {
    middlebox,
    dials,
    stream: initiator.stream,
    initiator,
    cut: () => current?.terminate(),
    connected: () => vi.waitUntil(() => isConnected, patient),
    echoed: (text: string) => vi.waitUntil(() => Buffer.concat(echoed).toString() === text, patient),
    dialled: (count: number) => vi.waitUntil(() => dials.length >= count, patient),
  };
}

test("connections that are greeted and cut at once are dialled less and less often", async () => {
  const { middlebox, dials, dialled, cut, connected, stream, echoed } = start();
  await connected();
  middlebox.cutsOnceGreeted = true;
  cut();
  await dialled(3);
  const gaps = dials.slice(1).map((at, i) => at - (dials[i] ?? 0));
  // The fixed half of the second and third step, less what timers come early.
  for (const [i, least] of [250, 500].entries()) expect(gaps[i]).toBeGreaterThan(least - 5);
  middlebox.cutsOnceGreeted = false;
  await connected();
  stream.write("after all of it");
  await echoed("after all of it");
});

test("whoever hurries does not wait for the back-off to end", async () => {
  const { middlebox, dials, dialled, cut, connected, initiator: it } = start();
  await connected();
  middlebox.cutsOnceGreeted = true;
  cut();
  await dialled(3);
  // The third is cut as well; the next would be due after a second at least.
  const hurrying = setInterval(() => it.hurry(), 5);
  await dialled(4);
  clearInterval(hurrying);
  expect((dials[3] ?? 0) - (dials[2] ?? 0)).toBeLessThan(500);
});

test("a connection that lasted is followed by the next one at once, and one that carried bytes soon", async () => {
  const { dials, dialled, cut, connected, stream, echoed } = start();
  await connected();
  await delay(STEADY_MS + 20);
  const lost = performance.now();
  cut();
  await dialled(1);
  expect((dials[0] ?? 0) - lost).toBeLessThan(100);
  let text = "";
  for (let i = 2; i < 6; i++) {
    await connected();
    stream.write("more ");
    text += "more ";
    await echoed(text);
    cut();
    const before = performance.now();
    await dialled(i);
    // The first step of the back-off, however often it happens.
    expect((dials[i - 1] ?? 0) - before).toBeLessThan(400);
  }
});
