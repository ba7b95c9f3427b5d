import { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { destroyAfter } from "../../../../protocol/flow/end-then-destroy.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function stream(): Duplex {
  return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
}

describe("destroyAfter", () => {
  test("destroys a stream that has not closed in time", () => {
    const open = stream();
    destroyAfter(open, 1_000);
    vi.advanceTimersByTime(999);
    expect(open.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(open.destroyed).toBe(true);
  });

  test("leaves no timer behind for a stream that closes, or that was destroyed before", async () => {
    const closing = stream();
    destroyAfter(closing, 1_000);
    const closed = new Promise((resolve) => closing.once("close", resolve));
    closing.destroy();
    destroyAfter(closing, 1_000);
    await closed;
    expect(vi.getTimerCount()).toBe(0);
  });
});
