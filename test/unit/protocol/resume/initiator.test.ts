// How often the dialling end dials, where its connections are made and do not last.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { backoff } from "../../../../protocol/flow/backoff.ts";
import { type Initiator, initiate } from "../../../../protocol/resume/initiator.ts";
import { PROCESS_BYTES, WINDOW_MAX } from "../../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../../protocol/resume/outgoing.ts";
import { Responder } from "../../../../protocol/resume/responder.ts";
import { MemorySocket } from "./memory-socket.ts";

vi.mock("../../../../protocol/flow/backoff.ts", { spy: true });
/** How long a connection must last to be a good one: it is not for the machine to decide by being slow. */
const steady = vi.hoisted(() => ({ ms: 0 }));
vi.mock("../../../../protocol/resume/limits.ts", async (original) => ({
  ...(await original<typeof import("../../../../protocol/resume/limits.ts")>()),
  get STEADY_MS() {
    return steady.ms;
  },
}));
beforeEach(() => {
  steady.ms = Number.POSITIVE_INFINITY;
});

const patient = { timeout: 30_000, interval: 5 };
const responder = new Responder({ budget: new ByteBudget(PROCESS_BYTES) });
let initiator: Initiator | undefined;
afterEach(() => {
  initiator?.abort();
  vi.mocked(backoff).mockReset();
});
/** For how many failures in a row a pause was asked for, each time. */
const failures = () => vi.mocked(backoff).mock.calls.map(([count]) => count);

/** A stream to an echo, whose connections a middlebox cuts as it likes. */
function start({ cutsOnceGreeted = false } = {}) {
  const middlebox = { cutsOnceGreeted };
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
  const { middlebox, dials, dialled, connected, stream, echoed } = start({ cutsOnceGreeted: true });
  await dialled(3);
  expect(failures().slice(0, 3)).toEqual([1, 2, 3]);
  const gaps = dials.slice(1).map((at, i) => at - (dials[i] ?? 0));
  // The fixed half of the second and third step, less what timers come early.
  for (const [i, least] of [250, 500].entries()) expect(gaps[i]).toBeGreaterThan(least - 5);
  middlebox.cutsOnceGreeted = false;
  await connected();
  stream.write("after all of it");
  await echoed("after all of it");
});

test("hurry() cuts the back-off short", async () => {
  vi.mocked(backoff).mockImplementation((count) => (count < 4 ? 0 : 60_000));
  const { dialled, initiator: it } = start({ cutsOnceGreeted: true });
  await dialled(3);
  // The third is cut as well, and without hurry the fourth is a minute away.
  const hurrying = setInterval(() => it.hurry(), 5);
  await dialled(4);
  clearInterval(hurrying);
});

test("calling hurry() repeatedly does not defeat the back-off", async () => {
  vi.mocked(backoff).mockImplementation((count) => (count < 2 ? 0 : 60_000));
  const { dials, dialled, initiator: it } = start({ cutsOnceGreeted: true });
  await dialled(1);
  const hurrying = setInterval(() => it.hurry(), 1);
  await dialled(4);
  clearInterval(hurrying);
  // The second may be early once; each from then on takes a second.
  const gaps = dials.slice(2).map((at, i) => at - (dials[i + 1] ?? 0));
  for (const gap of gaps) expect(gap).toBeGreaterThan(990);
});

test("a connection that lasted is followed by the next one at once, and one that carried bytes soon", async () => {
  const { dials, dialled, cut, connected, stream, echoed } = start();
  await connected();
  // Whatever comes after this has lasted.
  steady.ms = 0;
  cut();
  expect(dials).toHaveLength(1);
  expect(failures()).toEqual([]);
  steady.ms = Number.POSITIVE_INFINITY;
  let text = "";
  for (let i = 2; i < 6; i++) {
    await connected();
    stream.write("more ");
    text += "more ";
    await echoed(text);
    cut();
    await dialled(i);
  }
  // The first step of the back-off, however often it happens.
  expect(failures()).toEqual([1, 1, 1, 1]);
});
