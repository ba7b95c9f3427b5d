import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sttyWords } from "../../../../agent/host/ssh/session/terminal-modes.ts";
import { encode, WireError, WireReader } from "../../../../protocol/ssh/wire.ts";

describe("SSH's data types", () => {
  test("come back as they were written", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.boolean(),
        fc.uint8Array(),
        (number, flag, bytes) => {
          const reader = new WireReader(encode(number, flag, bytes));
          expect([reader.uint32(), reader.boolean()]).toEqual([number, flag]);
          expect(reader.string().equals(Buffer.from(bytes))).toBe(true);
          expect(reader.done).toBe(true);
        },
      ),
    );
  });

  test("that are cut off anywhere are refused", () => {
    const whole = encode("text", 5, true);
    for (let length = 0; length < whole.length; length++) {
      const reader = new WireReader(whole.subarray(0, length));
      expect(() => [reader.string(), reader.uint32(), reader.boolean()]).toThrow(WireError);
    }
  });

  test("hold no text that is too long or has a NUL", () => {
    expect(() => new WireReader(encode("abc")).text(2)).toThrow(WireError);
    expect(() => new WireReader(encode("a\0b")).text()).toThrow(WireError);
  });
});

describe("terminal modes", () => {
  const mode = (opcode: number, value: number) => Buffer.concat([Buffer.from([opcode]), encode(value)]);

  test("become words for stty", () => {
    const modes = Buffer.concat([
      mode(129, 38400),
      mode(1, 3),
      mode(3, 127),
      mode(6, 255),
      mode(38, 0),
      mode(42, 1),
      mode(53, 1),
      Buffer.from([0]),
      mode(50, 1),
    ]);
    expect(sttyWords(modes)).toEqual(["intr", "^C", "erase", "^?", "eol", "undef", "-ixon", "iutf8", "echo"]);
  });

  test("are words that no shell takes apart, whatever the client sends", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(159), fc.nat(300))), (pairs) => {
        const words = sttyWords(Buffer.concat(pairs.map(([opcode, value]) => mode(opcode, value))));
        for (const word of words) expect(word).toMatch(/^[\x21-\x7e]+$/);
      }),
    );
  });

  test("that are cut off are refused", () => {
    expect(() => sttyWords(Buffer.from([1, 0, 0]))).toThrow(WireError);
  });
});
