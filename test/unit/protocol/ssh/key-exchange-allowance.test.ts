import { describe, expect, test } from "vitest";
import { KeyExchangeAllowance } from "../../../../protocol/ssh/key-exchange-allowance.ts";

const MIB = 1024 * 1024;

describe("the key exchanges that a peer may ask for", () => {
  test("are as many as it likes where it exchanges keys every megabyte, however fast", () => {
    const allowance = new KeyExchangeAllowance(() => 0);
    for (let round = 0; round < 10_000; round++) expect(allowance.take(MIB)).toBe(true);
  });

  test("are enough for 10 MB with OpenSSH's regression limit of 256 KB", () => {
    const allowance = new KeyExchangeAllowance(() => 0);
    for (let round = 0; round < 40; round++) expect(allowance.take(256 * 1024)).toBe(true);
  });

  test("are one every two seconds, and a first few, where nothing moves", () => {
    let now = 0;
    const allowance = new KeyExchangeAllowance(() => now);
    let granted = 0;
    while (allowance.take(100)) granted++;
    expect(granted).toBeGreaterThanOrEqual(20);
    expect(granted).toBeLessThanOrEqual(50);
    const slow = new KeyExchangeAllowance(() => now);
    for (let round = 0; round < 1_000; round++) {
      expect(slow.take(100)).toBe(true);
      now += 2_000;
    }
  });

  test("are not saved up over a quiet time", () => {
    let now = 0;
    const allowance = new KeyExchangeAllowance(() => now);
    now += 24 * 3_600_000;
    let granted = 0;
    while (allowance.take(0)) granted++;
    expect(granted).toBeLessThanOrEqual(50);
  });
});
