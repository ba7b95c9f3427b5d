import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameSplitter } from "../../../../gateway/splice/frame-splitter.ts";
import { writeFrameHeader } from "../../../../protocol/web-socket/web-socket-frame.ts";

interface Frame {
  readonly opcode: number;
  readonly final: boolean;
  readonly mask: number;
  readonly payload: Buffer;
}

const BINARY = 2;
const PING = 9;
const MAX = 70_000;

/** A client's frame, RFC 6455 §5.2. */
function encode({ opcode, final, mask, payload }: Frame): Buffer {
  const header = Buffer.alloc(14);
  const size = writeFrameHeader(header, 0, payload.length, (final ? 0x80 : 0) | opcode, true);
  header.writeUInt32BE(mask, size - 4);
  const key = header.subarray(size - 4, size);
  return Buffer.concat([header.subarray(0, size), payload.map((byte, i) => byte ^ (key[i % 4] ?? 0))]);
}

/** Collects what comes out: payloads of whole messages, and everything that is not for the relay. */
function split(bytes: Buffer, cuts: readonly number[]) {
  const splitter = new FrameSplitter(MAX);
  const messages: Buffer[] = [];
  const others: Buffer[] = [];
  let parts: Buffer[] | undefined;
  const sink = {
    piece: ({ payload, room, first, last }: Parameters<Parameters<FrameSplitter["push"]>[1]["piece"]>[0]) => {
      expect(first).toBe(parts === undefined);
      expect(room).toBeLessThanOrEqual(payload.byteOffset);
      parts = [...(parts ?? []), Buffer.from(payload)];
      // A relay overwrites the room, so nothing that is still to be read may lie in it.
      new Uint8Array(payload.buffer, payload.byteOffset - room, room).fill(0xee);
      if (!last) return;
      messages.push(Buffer.concat(parts));
      parts = undefined;
    },
    other: (data: Buffer) => others.push(Buffer.from(data)),
  };
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [i, from] of edges.slice(0, -1).entries()) {
    // Each read in memory of its own, as sockets have it.
    splitter.push(Buffer.from(new Uint8Array(bytes.subarray(from, edges[i + 1]))), sink);
  }
  return { messages, others: Buffer.concat(others), unfinished: parts !== undefined };
}

const payload = fc
  .oneof(fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536, MAX), fc.nat(300))
  .map((length) => Buffer.alloc(length, length % 251));
const cuts = fc.array(fc.nat(400_000), { maxLength: 12 });

describe("a frame splitter", () => {
  test("gives the unmasked payload of every binary message, and whole control frames, however the bytes are split", () => {
    const mask = fc.constantFrom(0, 0x01020304, 0xff000000);
    const message = fc.record({
      mask,
      fragments: fc.array(payload, { minLength: 1, maxLength: 3 }),
      ping: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), cuts, (all, at) => {
        const ping = encode({ opcode: PING, final: true, mask: 0, payload: Buffer.from("are you there") });
        const frames = all.flatMap(({ fragments, mask: key, ping: pinged }) =>
          fragments.flatMap((part, i) => [
            encode({
              opcode: i === 0 ? BINARY : 0,
              final: i === fragments.length - 1,
              mask: key,
              payload: part,
            }),
            // Between the fragments of a message as well (RFC 6455 §5.4).
            ...(pinged ? [ping] : []),
          ]),
        );
        const { messages, others, unfinished } = split(Buffer.concat(frames), at);
        expect(messages.map(String)).toEqual(all.map(({ fragments }) => Buffer.concat(fragments).toString()));
        const pings = all.reduce(
          (sum, { fragments, ping: pinged }) => sum + (pinged ? fragments.length : 0),
          0,
        );
        expect(others.equals(Buffer.concat(Array.from({ length: pings }, () => ping)))).toBe(true);
        expect(unfinished).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  const one = { opcode: BINARY, final: true, mask: 0, payload: Buffer.from("payload") };
  test.each([
    ["text", encode({ ...one, opcode: 1 })],
    ["one with reserved bits", encode({ ...one, opcode: BINARY | 0x40 })],
    ["one that is too long", encode({ ...one, payload: Buffer.alloc(MAX + 1) })],
    ["the continuation of nothing", encode({ ...one, opcode: 0 })],
    ["an unmasked one", Buffer.from([0x82, 2, 1, 2])],
    [
      "the rest of a message of text",
      Buffer.concat([
        encode({ ...one, opcode: 1, final: false }),
        encode({ ...one, opcode: 0, final: true }),
      ]),
    ],
  ])("leaves %s to the receiver, and takes the next message again", (_, bytes) => {
    fc.assert(
      fc.property(cuts, (at) => {
        const { messages, others } = split(Buffer.concat([bytes, encode(one)]), at);
        expect(others.equals(bytes)).toBe(true);
        expect(messages.map(String)).toEqual(["payload"]);
      }),
      { numRuns: 30 },
    );
  });
});
