import { Duplex } from "node:stream";
import { setImmediate as immediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Inbound } from "../../../../protocol/flow/inbound.ts";

function inbound(highWaterMark = 16 * 1024) {
  let taken = 0;
  const stream: Duplex = new Duplex({
    readableHighWaterMark: highWaterMark,
    read: () => it.pump(),
    write: (_chunk, _encoding, done) => done(),
  });
  const it: Inbound = new Inbound(stream, (bytes) => {
    taken += bytes;
  });
  return { stream, it, taken: () => taken };
}

test.each(["flowing", "iterated", "read by hand"])(
  "all that comes is read in its order, however it comes and is read (%s)",
  async (way) => {
    const size = fc.oneof(
      fc.constantFrom(1, 2, 1023, 1024, 1025, 8192, 20_000),
      fc.nat(50).map((n) => n + 1),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ size, pause: fc.boolean() }), { maxLength: 60 }),
        async (pieces) => {
          const { stream, it, taken } = inbound();
          let next = 0;
          const sent = pieces.map(({ size: length }) =>
            Buffer.from(Array.from({ length }, () => next++ % 251)),
          );
          const all = Buffer.concat(sent);
          const parts: Buffer[] = [];
          const ended = new Promise<void>((resolve) => stream.once("end", () => resolve()));
          const iterated = async (): Promise<void> => {
            for await (const data of stream) parts.push(data);
          };
          if (way === "flowing") stream.on("data", (data: Buffer) => parts.push(data));
          if (way === "read by hand") {
            stream.on("readable", () => {
              for (let data = stream.read(); data !== null; data = stream.read()) parts.push(data);
            });
          }
          const read = way === "iterated" ? iterated() : ended;
          for (const [i, { pause }] of pieces.entries()) {
            if (pause && way === "flowing") {
              stream.pause();
              setImmediate(() => stream.resume());
            }
            it.push(sent[i] ?? Buffer.alloc(0));
            if (pause) await immediate();
          }
          while (it.waiting > 0) await immediate();
          stream.push(null);
          await read;
          expect(Buffer.concat(parts).equals(all)).toBe(true);
          expect(taken()).toBe(all.length);
        },
      ),
      { numRuns: 60 },
    );
  },
);

test("a reader that waits for more than is there gets what waits", async () => {
  const { stream, it } = inbound();
  it.push(Buffer.from("a"));
  it.push(Buffer.from("b"));
  it.push(Buffer.from("c"));
  let read: unknown = null;
  stream.on("readable", () => {
    read ??= stream.read(3);
  });
  await expect.poll(() => String(read)).toBe("abc");
});

test("a million bytes that come one by one, and that nobody reads, cost little more than they add up to", async () => {
  const { stream, it } = inbound(256 * 1024);
  const chunk = Buffer.alloc(64 * 1024, "x");
  const before = memory();
  for (let i = 0; i < 1_000_000; i++) {
    const at = i % chunk.length;
    it.push(chunk.subarray(at, at + 1));
    if (i % 50_000 === 0) await immediate();
  }
  expect(memory() - before).toBeLessThan(20 * 1024 * 1024);
  expect(it.waiting + stream.readableLength).toBe(1_000_000);
});

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
