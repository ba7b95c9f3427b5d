import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, nearest } from "../../../../agent/cli/did-you-mean.ts";

const commands = ["login", "logout", "list", "ssh", "tunnel", "version"];

test.each([
  ["vresion", "version"],
  ["lst", "list"],
  ["shs", "ssh"],
  ["tunel", "tunnel"],
  ["LOGIN", "login"],
])("%s is taken for %s", (typed, meant) => {
  expect(nearest(typed, commands)).toBe(meant);
});

test.each(["", "frobnicate", "x".repeat(5000)])("nothing is guessed for %j", (typed) => {
  expect(nearest(typed, commands)).toBeUndefined();
});

test("the distance is 0 for the same word only, and the same both ways", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
  );
});
