import { expect, test } from "vitest";
import { WRITE_BYTES } from "../../../../protocol/resume/limits.ts";
import { ByteBudget, Outgoing } from "../../../../protocol/resume/outgoing.ts";

function outgoing(): Outgoing {
  const out = new Outgoing(new ByteBudget(1 << 30));
  out.setPeerWindow(1 << 30);
  return out;
}

function takeAll(out: Outgoing): Buffer[] {
  const frames: Buffer[] = [];
  for (let frame = out.take(0, 0); frame !== undefined; frame = out.take(0, 0)) frames.push(frame);
  return frames;
}

/** Writes as much as one piece of memory holds; returns its frames. */
function send(out: Outgoing): Buffer[] {
  out.write([Buffer.alloc(WRITE_BYTES, 1)], 0);
  return takeAll(out);
}

/** One piece for all of them. */
function memoryOf(frames: readonly Buffer[]): ArrayBufferLike | undefined {
  const [memory, ...others] = new Set(frames.map(({ buffer }) => buffer));
  expect(others).toEqual([]);
  return memory;
}

test("the memory of frames is used again once the last of them is acknowledged", () => {
  const out = outgoing();
  const first = memoryOf(send(out));
  const second = memoryOf(send(out));
  out.acknowledge(WRITE_BYTES - 1, 0);
  expect(memoryOf(send(out))).not.toBe(first);
  out.acknowledge(WRITE_BYTES, 0);
  expect(memoryOf(send(out))).toBe(first);
  out.acknowledge(2 * WRITE_BYTES, 0);
  expect(memoryOf(send(out))).toBe(second);
});

test("it is not where a frame may still wait on the connection before", () => {
  const out = outgoing();
  const waiting = send(out);
  const [before] = waiting.map((frame) => Buffer.from(frame));
  send(out);
  out.rewind(0);
  expect(takeAll(out)).toHaveLength(2 * waiting.length);
  out.acknowledge(WRITE_BYTES, 0);
  expect(memoryOf(send(out))).not.toBe(memoryOf(waiting));
  expect(waiting[0]).toEqual(before);
});

test("nothing is kept for later once all is acknowledged", () => {
  const out = outgoing();
  const first = memoryOf(send(out));
  out.acknowledge(WRITE_BYTES, 0);
  expect(memoryOf(send(out))).not.toBe(first);
});
