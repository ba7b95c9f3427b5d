import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encode, WireReader } from "../../../../protocol/ssh/wire.ts";
import { bytesOf, isEncodable, textOf } from "../../../../protocol/values/byte-text.ts";

/** Bytes of which many are the beginning, the middle or the end of UTF-8 sequences. */
const bytes = fc
  .array(
    fc.oneof(
      fc.nat(255),
      fc.constantFrom(
        0x61,
        0x7f,
        0x80,
        0xbf,
        0xc3,
        0xa4,
        0xe2,
        0x82,
        0xac,
        0xed,
        0xa0,
        0xf0,
        0x9f,
        0x90,
        0xff,
      ),
    ),
    { maxLength: 40 },
  )
  .map((values) => Buffer.from(values));

describe("a text", () => {
  test("gives its bytes back, whatever they are", () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(bytesOf(textOf(value)).equals(value)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("that is UTF-8 is what it always was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect([textOf(Buffer.from(text)), isEncodable(text)]).toEqual([text, true]);
        expect(bytesOf(text).equals(Buffer.from(text))).toBe(true);
      }),
    );
  });

  test("tells whether others would make the same of it", () => {
    expect(isEncodable(textOf(Buffer.from("läufe")))).toBe(true);
    expect(isEncodable(textOf(Buffer.from("läufe", "latin1")))).toBe(false);
    // A surrogate that somebody has encoded (CESU-8) is not UTF-8.
    expect(isEncodable(textOf(Buffer.from([0xed, 0xa0, 0x80])))).toBe(false);
  });

  test("of a message goes back as it came", () => {
    fc.assert(
      fc.property(
        bytes.filter((value) => !value.includes(0)),
        (value) => {
          expect(new WireReader(encode(new WireReader(encode(value)).text())).string().equals(value)).toBe(
            true,
          );
        },
      ),
    );
  });
});
