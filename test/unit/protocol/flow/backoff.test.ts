import fc from "fast-check";
import { expect, test } from "vitest";
import { backoff } from "../../../../protocol/flow/backoff.ts";

test("waits from 250 ms up to 13 s, doubling, with jitter of half", () => {
  expect([1, 2, 3, 4].map((failures) => backoff(failures, 1))).toEqual([250, 500, 1000, 2000]);
  expect(backoff(1, 0)).toBe(125);
  expect(backoff(100, 1)).toBe(13_000);
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const wait = backoff(failures, random);
      return wait >= 125 && wait <= 13_000;
    }),
  );
});
