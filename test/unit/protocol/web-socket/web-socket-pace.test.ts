import { once } from "node:events";
import { setImmediate as immediate } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLOSE } from "../../../../protocol/errors.ts";
import { writeFrameHeader } from "../../../../protocol/web-socket/web-socket-frame.ts";
import { FrameCut } from "../../../../protocol/web-socket/web-socket-pace.ts";
import { partsOf } from "../../../../protocol/web-socket/web-socket-private.ts";
import { type Pair, webSocketPairs } from "../../gateway/link/web-socket-pair.ts";

let pairs: Awaited<ReturnType<typeof webSocketPairs>>;
beforeAll(async () => {
  pairs = await webSocketPairs();
});
afterAll(() => pairs.close());

/** Many frames in one write: the other end reads as much of them at once as it can. */
function sendTogether({ client }: Pair, send: () => void): void {
  const socket = partsOf(client)?.socket;
  socket?.cork();
  send();
  socket?.uncork();
}

describe("a paced WebSocket", () => {
  test("lets others have their turn while it handles a flood, and loses nothing of it, its end included", async () => {
    const [flood, other] = [await pairs.make(), await pairs.make()];
    const COUNT = 20_000;
    let handled = 0;
    /** By turn. */
    const turns: number[] = [0];
    let isAnswered = false;
    flood.server.on("message", () => {
      handled++;
      turns[turns.length - 1] = (turns.at(-1) ?? 0) + 1;
      // Each costs its handler something: 20,000 of them over half a second.
      const until = performance.now() + 0.03;
      while (performance.now() < until);
    });
    const began = new Promise<void>((resolve) => flood.server.once("message", () => resolve()));
    other.server.on("message", (data) => other.server.send(data));
    other.client.on("message", () => {
      isAnswered = true;
    });
    const turn = (): void => {
      turns.push(0);
      if (handled < COUNT) setImmediate(turn);
    };
    setImmediate(turn);
    sendTogether(flood, () => {
      for (let i = 0; i < COUNT; i++) flood.client.send("x");
    });
    flood.client.close(CLOSE.normal, "all of it");
    await began;
    other.client.send("are you there");
    const [code, reason] = await once(flood.server, "close");
    expect([handled, code, String(reason)]).toEqual([COUNT, CLOSE.normal, "all of it"]);
    expect(isAnswered).toBe(true);
    // Of half a second of work the peer has 1 ms a turn, and what it takes to end a piece.
    expect(Math.max(...turns)).toBeLessThan(300);
  });

  test("handles nothing more than it has begun with once its owner pauses it, and goes on when it resumes", async () => {
    const flood = await pairs.make();
    const COUNT = 20_000;
    let handled = 0;
    flood.server.on("message", () => {
      handled++;
      const until = performance.now() + 0.03;
      while (performance.now() < until);
      if (handled === 100) flood.server.pause();
    });
    sendTogether(flood, () => {
      for (let i = 0; i < COUNT; i++) flood.client.send("x");
    });
    await expect.poll(() => handled).toBeGreaterThanOrEqual(100);
    for (let i = 0; i < 50; i++) await immediate();
    expect(handled).toBeLessThan(1_000);
    flood.server.resume();
    await expect.poll(() => handled).toBe(COUNT);
  });

  test("keeps one pong for a peer that pings and does not read, however often it pings", async () => {
    const { client, server } = await pairs.make();
    client.pause();
    // Nothing leaves any more.
    while (server.bufferedAmount === 0) {
      server.send(Buffer.alloc(256 * 1024));
      await immediate();
    }
    await immediate();
    const before = server.bufferedAmount;
    let pings = 0;
    server.on("ping", () => pings++);
    const pongs: string[] = [];
    client.on("pong", (data: Buffer) => pongs.push(data.toString()));
    for (let i = 0; i < 5_000; i++) client.ping(String(i));
    await expect.poll(() => pings).toBe(5_000);
    expect(server.bufferedAmount - before).toBeLessThan(100);
    client.resume();
    // The first, which had no other before it, and the last.
    await expect.poll(() => pongs).toEqual(["0", "4999"]);
  });
});

describe("a frame cut", () => {
  test("ends each piece behind a frame, after as many as it may have, however the bytes come", () => {
    const size = fc.oneof(fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536), fc.nat(300));
    const frames = fc.array(fc.record({ size, masked: fc.boolean() }), { maxLength: 30 });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(200_000), { maxLength: 8 }), (all, cuts) => {
        const ends = new Set<number>();
        let end = 0;
        const wire = Buffer.concat(
          all.map(({ size: length, masked }) => {
            const header = Buffer.alloc(14);
            const headerBytes = writeFrameHeader(header, 0, length, 0x82, masked);
            end += headerBytes + length;
            ends.add(end);
            return Buffer.concat([header.subarray(0, headerBytes), Buffer.alloc(length, 0xff)]);
          }),
        );
        const edges = [0, ...cuts.map((cut) => cut % (wire.length + 1)).sort((a, b) => a - b), wire.length];
        const cut = new FrameCut(3);
        let begun = 0;
        for (const [i, from] of edges.slice(0, -1).entries()) {
          const to = edges[i + 1] ?? 0;
          const data = wire.subarray(from, to);
          for (let at = 0; at < data.length; ) {
            const next = cut.cut(data, at);
            expect(next).toBeGreaterThan(at);
            if (next < data.length) expect(ends.has(from + next)).toBe(true);
            const within = [...ends].filter((border) => border > from + at && border <= from + next).length;
            expect(within).toBeLessThanOrEqual(4);
            begun += within;
            at = next;
          }
        }
        expect(begun).toBe(all.length);
      }),
      { numRuns: 200 },
    );
  });
});
