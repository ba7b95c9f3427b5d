import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Access, conflict, RequestQueue } from "../../../../../agent/host/sftp/request-queue.ts";

const LIMITS = { requests: 64, bytes: 1000, running: 8 };

/** A request that ends when the test says so. */
class Request {
  readonly access: Access;
  readonly index: number;
  finish: () => void = () => undefined;
  answered: () => void = () => undefined;
  started = false;

  constructor(access: Access, index: number) {
    this.access = access;
    this.index = index;
  }

  readonly run = (): Promise<() => void> => {
    this.started = true;
    return new Promise((resolve) => {
      this.finish = () => resolve(() => this.answered());
    });
  };
}

const access: fc.Arbitrary<Access> = fc.record({
  handles: fc.option(fc.array(fc.nat(2), { maxLength: 2 }), { nil: undefined }),
  exclusive: fc.boolean(),
});

function setUp(accesses: readonly Access[], mayStart = () => true) {
  const requests = accesses.map((one, index) => new Request(one, index));
  let done = 0;
  const queue = new RequestQueue(LIMITS, mayStart, () => {
    done++;
  });
  return { queue, requests, done: () => done };
}

describe("RequestQueue", () => {
  test("never starts a request while an earlier one that it conflicts with is unfinished", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(access, { maxLength: 30 }),
        fc.infiniteStream(fc.nat(100)),
        async (accesses, choices) => {
          const { queue, requests } = setUp(accesses);
          for (const request of requests) queue.add(request.access, 1, request.run);
          const unfinished = new Set(requests);
          while (unfinished.size > 0) {
            const running = [...unfinished].filter((request) => request.started);
            expect(running.length).toBeGreaterThan(0);
            expect(running.length).toBeLessThanOrEqual(LIMITS.running);
            for (const later of running) {
              const earlier = [...unfinished].filter((request) => request.index < later.index);
              expect(earlier.some((request) => conflict(request.access, later.access))).toBe(false);
            }
            const chosen = running[choices.next().value % running.length];
            if (chosen === undefined) throw new Error("nothing runs");
            chosen.finish();
            unfinished.delete(chosen);
            await new Promise(setImmediate);
          }
          expect(queue.size).toBe(0);
          await queue.idle();
        },
      ),
      { numRuns: 60 },
    );
  });

  test("lets reads of one handle and work on different handles run side by side", () => {
    const { queue, requests } = setUp([
      { handles: [1], exclusive: false },
      { handles: [1], exclusive: false },
      { handles: [2], exclusive: true },
    ]);
    for (const request of requests) queue.add(request.access, 1, request.run);
    expect(requests.map((request) => request.started)).toEqual([true, true, true]);
  });

  test("sends the answers about one handle in the order of the requests, even if a later one is ready first", async () => {
    const read = { handles: [1], exclusive: false };
    const { queue, requests } = setUp([read, read, { handles: [2], exclusive: false }, read]);
    const answered: number[] = [];
    for (const request of requests) {
      request.answered = () => answered.push(request.index);
      queue.add(request.access, 1, request.run);
    }
    for (const index of [3, 1, 2]) requests[index]?.finish();
    await new Promise(setImmediate);
    expect(answered).toEqual([2]);
    requests[0]?.finish();
    await queue.idle();
    expect(answered).toEqual([2, 0, 1, 3]);
  });

  test("has no room once it holds as many requests or bytes as it may", () => {
    const { queue } = setUp([]);
    queue.add({ handles: [1], exclusive: true }, 999, () => Promise.resolve(() => undefined));
    expect(queue.hasRoom).toBe(true);
    queue.add({ handles: [1], exclusive: true }, 1, () => Promise.resolve(() => undefined));
    expect(queue.hasRoom).toBe(false);
  });

  test("starts nothing while there is no room for answers, and continues when it is told that there is", () => {
    let room = false;
    const { queue, requests } = setUp([{ handles: [], exclusive: false }], () => room);
    for (const request of requests) queue.add(request.access, 1, request.run);
    expect(requests[0]?.started).toBe(false);
    room = true;
    queue.advance();
    expect(requests[0]?.started).toBe(true);
  });
});
