import { setImmediate as immediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { PendingWrites } from "../../../../../protocol/resume/driver/pending-writes.ts";
import { MAX_PAYLOAD, WRITE_BYTES } from "../../../../../protocol/resume/limits.ts";

/** Takes `room` more calls. */
class Sink {
  room = Number.POSITIVE_INFINITY;
  readonly sent: Buffer[] = [];

  get hasRoom(): boolean {
    return this.room > 0;
  }

  send(chunks: readonly Uint8Array[]): void {
    this.room--;
    this.sent.push(Buffer.concat(chunks));
  }

  get lengths(): number[] {
    return this.sent.map(({ length }) => length);
  }
}

function start() {
  const sink = new Sink();
  const pending = new PendingWrites(sink);
  let done = 0;
  const write = (...chunks: Uint8Array[]): void => {
    pending.write(
      chunks.map((chunk) => ({ chunk })),
      () => done++,
    );
  };
  return { sink, pending, write, done: () => done };
}

test("a little goes out at once", () => {
  const { sink, write, done } = start();
  write(Buffer.from("a"));
  write(Buffer.from("b"), Buffer.from("c"));
  expect(sink.sent.map(String)).toEqual(["a", "bc"]);
  expect(done()).toBe(2);
});

test("much goes out in full frames, and what fills none waits for the next write", () => {
  const { sink, write, done } = start();
  const bytes = Buffer.from(Array.from({ length: 2 * 65_536 }, (_, at) => at % 251));
  write(bytes.subarray(0, 65_536));
  expect(sink.lengths).toEqual([WRITE_BYTES]);
  write(bytes.subarray(65_536));
  expect(done()).toBe(2);
  expect(sink.lengths).toEqual([WRITE_BYTES, WRITE_BYTES]);
  expect(Buffer.concat(sink.sent).equals(bytes.subarray(0, 2 * WRITE_BYTES))).toBe(true);
});

test("the rest goes out once the reads of the moment are done, as it was written", async () => {
  const { sink, write } = start();
  const memory = Buffer.alloc(MAX_PAYLOAD + 3, "x");
  write(memory);
  memory.fill("y");
  expect(sink.lengths).toEqual([MAX_PAYLOAD]);
  await immediate();
  expect(sink.lengths).toEqual([MAX_PAYLOAD, 3]);
  expect(sink.sent[1]?.toString()).toBe("xxx");
});

test("an end does not wait for it", async () => {
  const { sink, pending, write } = start();
  write(Buffer.alloc(MAX_PAYLOAD + 3));
  pending.writeRest();
  expect(sink.lengths).toEqual([MAX_PAYLOAD, 3]);
  await immediate();
  expect(sink.lengths).toHaveLength(2);
});

test("without room the writer waits, and the rest too", async () => {
  const { sink, pending, write, done } = start();
  sink.room = 1;
  write(Buffer.alloc(WRITE_BYTES + MAX_PAYLOAD + 3));
  expect(done()).toBe(0);
  pending.writeRest();
  await immediate();
  expect(sink.lengths).toEqual([WRITE_BYTES]);
  sink.room = 2;
  pending.hasRoom();
  expect(done()).toBe(1);
  expect(sink.lengths).toEqual([WRITE_BYTES, MAX_PAYLOAD]);
  // The room goes before the rest does.
  sink.room = 0;
  await immediate();
  expect(sink.lengths).toHaveLength(2);
  sink.room = 1;
  pending.hasRoom();
  expect(sink.lengths).toEqual([WRITE_BYTES, MAX_PAYLOAD, 3]);
});

test("room that comes while the rest waits for more does not send it alone", async () => {
  const { sink, pending, write } = start();
  write(Buffer.alloc(MAX_PAYLOAD + 3));
  pending.hasRoom();
  expect(sink.lengths).toEqual([MAX_PAYLOAD]);
  await immediate();
  expect(sink.lengths).toEqual([MAX_PAYLOAD, 3]);
});

test("nothing is sent after it was cleared", async () => {
  const { sink, pending, write } = start();
  write(Buffer.alloc(MAX_PAYLOAD + 3));
  pending.clear();
  await immediate();
  pending.hasRoom();
  expect(sink.lengths).toEqual([MAX_PAYLOAD]);
});

test("a writer who finds no room while the rest waits goes on with the room that comes before the rest goes out", async () => {
  const { sink, pending, write, done } = start();
  write(Buffer.alloc(MAX_PAYLOAD + 3));
  sink.room = 0;
  write(Buffer.alloc(WRITE_BYTES));
  expect(done()).toBe(1);
  sink.room = 10;
  pending.hasRoom();
  await immediate();
  await immediate();
  expect(done()).toBe(2);
  expect(sink.lengths.reduce((sum, length) => sum + length)).toBe(MAX_PAYLOAD + 3 + WRITE_BYTES);
});
