import { expect, test } from "vitest";
import { fittingKeys } from "../../../../gateway/link/fitting-keys.ts";
import { MAX_CONTROL_BYTES, MAX_PUSHED_KEYS } from "../../../../protocol/limits.ts";

const keys = (count: number, length: number) =>
  Array.from({ length: count }, (_, i) => ({ publicKey: String(i).padStart(length, "k"), account: "ada" }));

test("takes the first keys that fit, and leaves room for the rest of the `registered` message", () => {
  const many = keys(200, 8 * 1024);
  const fitting = fittingKeys(many);
  expect(fitting).toEqual(many.slice(0, fitting.length));
  const left = MAX_CONTROL_BYTES - JSON.stringify(fitting).length;
  expect(left).toBeGreaterThan(15 * 1024);
  expect(left).toBeLessThan(25 * 1024);
});

test("takes each key once, and no more than a message may have", () => {
  const small = keys(MAX_PUSHED_KEYS + 1, 8);
  expect(fittingKeys(small)).toEqual(small.slice(0, MAX_PUSHED_KEYS));
  expect(fittingKeys([...small.slice(0, 2), ...small.slice(0, 3)])).toEqual(small.slice(0, 3));
  expect(fittingKeys([])).toEqual([]);
});
