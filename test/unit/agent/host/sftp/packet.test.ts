import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MalformedPacketError,
  PacketReader,
  PacketSplitter,
  PacketWriter,
} from "../../../../../agent/host/sftp/packet.ts";

const LIMIT = 2000;
const body = fc.uint8Array({ minLength: 1, maxLength: LIMIT }).map((bytes) => Buffer.from(bytes));

function frame(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function all(splitter: PacketSplitter): Buffer[] {
  const packets: Buffer[] = [];
  for (let packet = splitter.next(); packet !== undefined; packet = splitter.next()) packets.push(packet);
  return packets;
}

describe("PacketSplitter", () => {
  test("gives the same packets however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(body, { maxLength: 8 }),
        fc.array(fc.nat(900), { maxLength: 40 }),
        (bodies, cuts) => {
          const stream = Buffer.concat(bodies.map(frame));
          const splitter = new PacketSplitter(LIMIT);
          const packets: Buffer[] = [];
          let at = 0;
          for (const length of [...cuts, stream.length]) {
            splitter.push(stream.subarray(at, at + length));
            at = Math.min(at + length, stream.length);
            packets.push(...all(splitter).map((packet) => Buffer.from(packet)));
          }
          expect(packets).toEqual(bodies);
          expect(splitter.buffered).toBe(0);
        },
      ),
    );
  });

  test("refuses a packet over the limit by its length alone, and an empty one", () => {
    const over = new PacketSplitter(LIMIT);
    over.push(Buffer.from([0, 0, (LIMIT + 1) >> 8, (LIMIT + 1) & 255]));
    expect(() => over.next()).toThrow(MalformedPacketError);
    const none = new PacketSplitter(LIMIT);
    none.push(Buffer.alloc(4));
    expect(() => none.next()).toThrow(MalformedPacketError);
  });
});

const field = fc.oneof(
  fc.record({ kind: fc.constant("u8" as const), value: fc.nat(255) }),
  fc.record({ kind: fc.constant("u32" as const), value: fc.nat(0xffff_ffff) }),
  fc.record({ kind: fc.constant("u64" as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({
    kind: fc.constant("string" as const),
    value: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  }),
);

describe("PacketReader", () => {
  test("reads the fields that PacketWriter wrote", () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 60 }), (fields) => {
        const writer = new PacketWriter(7);
        for (const one of fields) {
          if (one.kind === "u8") writer.u8(one.value);
          else if (one.kind === "u32") writer.u32(one.value);
          else if (one.kind === "u64") writer.u64(one.value);
          else writer.string(one.value);
        }
        const splitter = new PacketSplitter(1024 * 1024);
        splitter.push(writer.finish());
        const reader = new PacketReader(splitter.next() ?? Buffer.alloc(0));
        expect(reader.u8()).toBe(7);
        for (const { kind, value } of fields) expect(reader[kind]()).toEqual(value);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  test("never reads beyond the packet", () => {
    fc.assert(
      fc.property(
        body,
        fc.array(fc.constantFrom("u8", "u32", "u64", "string", "path"), { maxLength: 50 }),
        (bytes, kinds) => {
          const reader = new PacketReader(bytes);
          try {
            for (const kind of kinds) reader[kind]();
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedPacketError);
          }
          expect(reader.remaining).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  test("refuses a path with a NUL byte", () => {
    const bytes = new PacketWriter(1).string("a\0b").finish().subarray(5);
    expect(() => new PacketReader(bytes).path()).toThrow(MalformedPacketError);
  });
});
