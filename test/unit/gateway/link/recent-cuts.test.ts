import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RecentCuts } from "../../../../gateway/link/recent-cuts.ts";
import { MAX_OPENING } from "../../../../gateway/link/streams/stream-slots.ts";
import { newWorkspaceId } from "../../../../protocol/values/id.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const id = newWorkspaceId();
/** Whose share a wait counts for. */
const ada = "ada";
const patient = new AbortController().signal;

/** How long a wait takes, in ms of the clock that is moved here; undefined: longer than a minute. */
async function lasts(wait: Promise<void>): Promise<number | undefined> {
  let isOver = false;
  void wait.then(() => {
    isOver = true;
  });
  for (let ms = 0; ms < 60_000; ms += 100) {
    await Promise.resolve();
    if (isOver) return ms;
    vi.advanceTimersByTime(100);
  }
  return undefined;
}

test("nobody waits for a workspace whose link was not cut", async () => {
  const cuts = new RecentCuts();
  cuts.began(newWorkspaceId());
  expect(await lasts(cuts.wait(id, patient, ada))).toBe(0);
});

test("a client waits some seconds for a workspace whose link was cut, and not at all once the cut is ten seconds old", async () => {
  const cuts = new RecentCuts();
  cuts.began(id);
  expect(await lasts(cuts.wait(id, patient, ada))).toBe(5_000);
  vi.advanceTimersByTime(4_000);
  // What is left of the ten seconds.
  expect(await lasts(cuts.wait(id, patient, ada))).toBe(1_000);
  expect(await lasts(cuts.wait(id, patient, ada))).toBe(0);
});

test("a wait ends when the workspace is back or has left for good, and when the client leaves", async () => {
  const cuts = new RecentCuts();
  cuts.began(id);
  const waits = [cuts.wait(id, patient, ada), cuts.wait(id, patient, ada)];
  cuts.over(id);
  for (const wait of waits) expect(await lasts(wait)).toBe(0);
  cuts.began(id);
  const leave = new AbortController();
  const wait = cuts.wait(id, leave.signal, ada);
  leave.abort();
  expect(await lasts(wait)).toBe(0);
  expect(await lasts(cuts.wait(id, leave.signal, ada))).toBe(0);
});

test("no more clients wait than can open a stream at once, and one account has half of the slots at most", async () => {
  const cuts = new RecentCuts();
  cuts.began(id);
  const leave = new AbortController();
  const wait = (count: number, holder: string): void => {
    for (let i = 0; i < count; i++) void cuts.wait(id, leave.signal, holder);
  };
  wait(2 * MAX_OPENING, ada);
  expect(await lasts(cuts.wait(id, leave.signal, ada))).toBe(0);
  let bobWaits = true;
  void cuts.wait(id, patient, "bob").then(() => {
    bobWaits = false;
  });
  for (let i = 0; i < MAX_OPENING; i++) wait(1, `other ${i}`);
  expect(await lasts(cuts.wait(id, patient, "carol"))).toBe(0);
  expect(bobWaits).toBe(true);
  leave.abort();
  // They have left, and make room.
  expect(await lasts(cuts.wait(id, patient, ada))).toBe(5_000);
  expect(bobWaits).toBe(false);
});
