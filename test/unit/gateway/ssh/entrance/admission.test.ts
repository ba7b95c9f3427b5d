import { describe, expect, test } from "vitest";
import {
  ADMISSION_LIMITS,
  Admission,
  type AdmissionLimits,
} from "../../../../../gateway/ssh/entrance/admission.ts";
import type { Slot } from "../../../../../protocol/flow/fair-slots.ts";

const limits: AdmissionLimits = {
  ...ADMISSION_LIMITS,
  perAddress: 3,
  startups: { start: 4, rate: 50, full: 6 },
  stalledMs: 1_000,
};

function setUp(chance = 0) {
  const state = { now: 0, chance, evicted: [] as string[] };
  const admission = new Admission(
    limits,
    () => state.now,
    () => state.chance,
  );
  const admit = (address: string): Slot => {
    const result = admission.admit(address, () => state.evicted.push(address));
    if (typeof result === "string") throw new Error(result);
    return result;
  };
  return { admission, admit, state, none: () => undefined };
}

describe("admission", () => {
  test("gives an address its slots and no more, and frees them again", () => {
    const { admission, admit, none } = setUp();
    const first = admit("192.0.2.1");
    admit("192.0.2.1");
    admit("192.0.2.1");
    expect(admission.admit("192.0.2.1", none)).toBe("address");
    expect(typeof admission.admit("192.0.2.2", none)).toBe("object");
    first.leave();
    first.leave();
    admit("192.0.2.1");
    expect(admission.admit("192.0.2.1", none)).toBe("address");
  });

  test("counts an IPv6 /64 as one address", () => {
    const { admission, admit, none } = setUp();
    for (const host of [1, 2, 3]) admit(`2001:db8:0:1::${host}`);
    expect(admission.admit("2001:db8:0:1:ffff::9", none)).toBe("address");
    admit("2001:db8:0:2::1");
  });

  test("drops new connections at random from `start` on, and all of them at `full`, while none has stalled", () => {
    const { admission, admit, state, none } = setUp(0.99);
    for (let i = 0; i < 4; i++) admit(`192.0.2.${i}`);
    state.chance = 0.49;
    expect(admission.admit("198.51.100.1", none)).toBe("random");
    state.chance = 0.51;
    admit("198.51.100.1");
    state.chance = 0.99;
    admit("198.51.100.2");
    expect(admission.admit("198.51.100.3", none)).toBe("full");
    expect(state.evicted).toEqual([]);
  });

  test("evicts a stalled connection for a new one: first the one with the fewest steps, then the longest stalled", () => {
    const { admit, state, admission } = setUp(0.99);
    const spoken = admit("192.0.2.1");
    for (let i = 2; i <= 6; i++) {
      state.now = i;
      admit(`192.0.2.${i}`);
    }
    spoken.moved();
    state.now = 5_000;
    admit("198.51.100.1");
    expect(state.evicted).toEqual(["192.0.2.2"]);
    for (let i = 2; i <= 5; i++) admit(`198.51.100.${i}`);
    expect(state.evicted).toEqual(["192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"]);
    expect(admission.pending).toBe(6);
    // The only old one that is left has sent its version line. The new ones have not stalled yet.
    admit("198.51.100.6");
    expect(state.evicted.at(-1)).toBe("192.0.2.1");
    expect(admission.admit("198.51.100.7", () => undefined)).toBe("full");
  });

  test("does not count it again when an evicted connection leaves", () => {
    const { admit, state, admission } = setUp(0.99);
    const slots = [1, 2, 3, 4, 5, 6].map((i) => admit(`192.0.2.${i}`));
    state.now = 2_000;
    admit("198.51.100.1");
    slots[0]?.leave();
    expect(admission.pending).toBe(6);
  });

  test("refuses an address once its offences add up, and admits it again when they have faded", () => {
    const { admission, state, none } = setUp();
    for (let i = 0; i < 4; i++) admission.penalize("192.0.2.1", "refused");
    expect(typeof admission.admit("192.0.2.1", none)).toBe("object");
    admission.penalize("192.0.2.1", "refused");
    expect(admission.admit("192.0.2.1", none)).toBe("penalty");
    expect(admission.penalized).toBe(1);
    expect(typeof admission.admit("192.0.2.2", none)).toBe("object");
    state.now = 20_001;
    expect(typeof admission.admit("192.0.2.1", none)).toBe("object");
  });

  test("never refuses an address whose penalty fades as fast as it grows, and none for longer than the maximum", () => {
    const { admission, state, none } = setUp();
    for (let i = 0; i < 50; i++) {
      admission.penalize("192.0.2.1", "refused");
      state.now += 4_000;
    }
    expect(typeof admission.admit("192.0.2.1", none)).toBe("object");
    for (let i = 0; i < 1_000; i++) admission.penalize("2001:db8::1", "late");
    expect(admission.admit("2001:db8::ffff", none)).toBe("penalty");
    state.now += limits.penalties.maxMs;
    expect(typeof admission.admit("2001:db8::ffff", none)).toBe("object");
  });

  test("counts a proxy's connections against the total only, until it has named their clients", () => {
    const { admission, state, none } = setUp(0.99);
    for (let i = 0; i < 6; i++) expect(typeof admission.admit(undefined, none)).toBe("object");
    state.now = 100;
    expect(admission.admit(undefined, none)).toBe("full");
  });

  test("remembers a bounded number of addresses", () => {
    const admission = new Admission(
      { ...limits, penalties: { ...limits.penalties, addresses: 2, thresholdMs: 1 } },
      () => 0,
      () => 0,
    );
    for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) admission.penalize(address, "late");
    expect(admission.penalized).toBe(2);
    expect(typeof admission.admit("192.0.2.1", () => undefined)).toBe("object");
  });

  test("lets an address scan, but not take all of the gateway's time", () => {
    let now = 0;
    const admission = new Admission(ADMISSION_LIMITS, () => now);
    const exchangeMs = 30;
    let busy = 0;
    const minutes = 10;
    while (now < minutes * 60_000) {
      const admitted = admission.admit("192.0.2.1", () => undefined);
      now += exchangeMs;
      if (typeof admitted === "string") continue;
      admitted.leave();
      admission.penalize("192.0.2.1", "scanned");
      busy += exchangeMs;
    }
    expect(busy / now).toBeLessThan(0.4);
    // 30 runs of OpenSSH's ssh-keyscan, which asks for five types of key.
    for (let i = 0; i < 150; i++) admission.penalize("192.0.2.2", "scanned");
    expect(admission.admit("192.0.2.2", () => undefined)).toBeTypeOf("object");
  });
});
