import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Attempts,
  afterFailure,
  afterSuccess,
  firstAttempt,
  NO_ATTEMPTS,
  nextAttempt,
  renewalTime,
} from "../../../../gateway/certificate/renewal.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 11, 1);

function failedTimes(times: readonly number[]): Attempts {
  return times.reduce((attempts, at) => afterFailure(attempts, at), NO_ATTEMPTS);
}

describe("a certificate is renewed", () => {
  const validity = { from: NOW, until: NOW + 90 * DAY };

  test("at two thirds of its lifetime, spread over a thirtieth of it", () => {
    expect(renewalTime(validity, 0)).toBe(NOW + 60 * DAY);
    expect(renewalTime(validity, 1)).toBe(NOW + 63 * DAY);
  });

  test("within the window that the authority suggests", () => {
    const window = { start: NOW + 10 * DAY, end: NOW + 12 * DAY };
    expect(renewalTime(validity, 0.5, window)).toBe(NOW + 11 * DAY);
  });

  test("not in a loop, where the authority suggests a window that is always over", () => {
    expect(renewalTime(validity, 0, { start: 0, end: 1 })).toBe(NOW + 2 * HOUR);
    expect(renewalTime({ from: NOW, until: NOW + HOUR }, 0, { start: 0, end: 1 })).toBe(NOW + HOUR / 3);
  });
});

test("nor in a loop, where the authority dates its certificates back, too", () => {
  expect(afterSuccess({ from: NOW - 30 * DAY, until: NOW + 60 * DAY }, NOW)).toBe(NOW + 2 * HOUR);
  expect(afterSuccess({ from: NOW - 30 * DAY, until: NOW + HOUR }, NOW)).toBe(NOW + HOUR / 3);
});

describe("after a failure", () => {
  test("the waits grow fourfold from a minute to six hours", () => {
    const waits: number[] = [];
    let attempts = NO_ATTEMPTS;
    let now = NOW;
    for (let i = 0; i < 8; i++) {
      attempts = afterFailure(attempts, now);
      const next = nextAttempt(attempts, now, true, 0);
      waits.push((next - now) / MINUTE);
      now = next;
    }
    expect(waits).toEqual([1, 4, 16, 64, 256, 360, 360, 360]);
  });

  test("a gateway that serves no valid certificate tries at least every hour and a quarter", () => {
    const attempts = failedTimes(Array.from({ length: 20 }, (_, i) => NOW + i * 2 * HOUR));
    const last = attempts.failedAt.at(-1) ?? 0;
    expect(nextAttempt(attempts, last, false, 1)).toBe(last + 1.25 * HOUR);
  });

  test("what the authority asks for is waited for, also after a restart", () => {
    const attempts = afterFailure(NO_ATTEMPTS, NOW, NOW + 3 * DAY);
    expect(nextAttempt(attempts, NOW, false, 0)).toBe(NOW + 3 * DAY);
    expect(firstAttempt(attempts, NOW + MINUTE)).toBe(NOW + 3 * DAY);
  });

  test("a restart tries at once, but four failures within an hour are all that there are", () => {
    expect(firstAttempt(failedTimes([NOW]), NOW + 1)).toBe(NOW + 1);
    const four = failedTimes([NOW, NOW + 1_000, NOW + 2_000, NOW + 3_000]);
    expect(firstAttempt(four, NOW + 4_000)).toBe(NOW + HOUR);
    expect(firstAttempt(four, NOW + HOUR)).toBe(NOW + HOUR);
  });

  test("times that a wrong clock has put into the future count for nothing", () => {
    const ahead = failedTimes([NOW + DAY, NOW + DAY, NOW + DAY, NOW + DAY]);
    expect(firstAttempt(ahead, NOW)).toBe(NOW);
  });

  test("however often the gateway is restarted and fails, no hour has more than four attempts", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ restarts: fc.boolean(), idle: fc.nat({ max: 2 * HOUR }) }), { maxLength: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (steps, chance) => {
          let attempts = NO_ATTEMPTS;
          let now = NOW;
          const made: number[] = [];
          for (const { restarts, idle } of steps) {
            const allowed = restarts
              ? firstAttempt(attempts, now)
              : nextAttempt(attempts, now, chance < 0.5, chance);
            now = Math.max(now, allowed) + (restarts ? 0 : idle);
            made.push(now);
            attempts = afterFailure(attempts, now);
          }
          for (const at of made) {
            expect(made.filter((other) => other > at - HOUR && other <= at).length).toBeLessThanOrEqual(4);
          }
        },
      ),
    );
  });
});
