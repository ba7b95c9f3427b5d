import fc from "fast-check";
import { expect, test } from "vitest";
import { isPrintable, printable, printableLines } from "../../../../protocol/values/printable.ts";

test.each([
  ["a bell", "a\u0007b"],
  ["an escape sequence", "a\u001bb"],
  ["C1's control sequence introducer", "a\u009bb"],
  ["a line end", "a\nb"],
  ["a zero byte", "a\0b"],
  ["DEL", "a\u007fb"],
  ["text that runs backwards", "a\u202eb"],
  ["an isolate", "a\u2066b"],
  ["a zero-width space", "a\u200bb"],
  ["a line separator", "a\u2028b"],
  ["half a surrogate pair", "a\ud800b"],
])("%s is shown as a sign that stands for it", (_, text) => {
  expect(printable(text)).toBe("a\ufffdb");
});

test("everything else stays as it is, and the result is printable whatever came", () => {
  expect(printable("Grüße, 世界 – 42 %")).toBe("Grüße, 世界 – 42 %");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(isPrintable(printable(text))).toBe(true);
    }),
  );
});

test("what is too long is cut, between characters", () => {
  expect(printable("abcdef", 4)).toBe("abc…");
  expect(printable("ab😀def", 4)).toBe("ab\ufffd…");
});

test("lines and tabs stay where they are meant to", () => {
  expect(printableLines("a\tb\u0007\r\nc\u001b[2J\n")).toBe("a\tb\ufffd\nc\ufffd[2J\n");
});
