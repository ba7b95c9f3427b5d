import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Blips } from "../../../../gateway/link/blips.ts";
import { MAX_OPENING } from "../../../../gateway/link/bounds.ts";
import { newWorkspaceId } from "../../../../protocol/id.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const id = newWorkspaceId();
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

test("a workspace that was not cut off is not waited for", async () => {
  const blips = new Blips();
  blips.began(newWorkspaceId());
  expect(await lasts(blips.pass(id, patient))).toBe(0);
});

test("one that was is waited for during some seconds, and not any more once it was away for long", async () => {
  const blips = new Blips();
  blips.began(id);
  expect(await lasts(blips.pass(id, patient))).toBe(5_000);
  vi.advanceTimersByTime(4_000);
  // What is left of the blip.
  expect(await lasts(blips.pass(id, patient))).toBe(1_000);
  expect(await lasts(blips.pass(id, patient))).toBe(0);
});

test("those who wait go on when it is back, or left for good, and when they leave themselves", async () => {
  const blips = new Blips();
  blips.began(id);
  const waits = [blips.pass(id, patient), blips.pass(id, patient)];
  blips.over(id);
  for (const wait of waits) expect(await lasts(wait)).toBe(0);
  blips.began(id);
  const leave = new AbortController();
  const wait = blips.pass(id, leave.signal);
  leave.abort();
  expect(await lasts(wait)).toBe(0);
  expect(await lasts(blips.pass(id, leave.signal))).toBe(0);
});

test("no more wait than can be let in at once", async () => {
  const blips = new Blips();
  blips.began(id);
  const leave = new AbortController();
  for (let i = 0; i < MAX_OPENING; i++) void blips.pass(id, leave.signal);
  expect(await lasts(blips.pass(id, patient))).toBe(0);
  leave.abort();
  expect(await lasts(blips.pass(id, patient))).toBe(5_000);
});
