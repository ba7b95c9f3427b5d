import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDuration, relativeTime } from "../../../../agent/platform/duration.ts";
import { UsageError } from "../../../../protocol/command/command.ts";
import { parseDuration } from "../../../../protocol/command/duration.ts";

describe("a duration", () => {
  test.each([
    ["90s", 90],
    ["15m", 900],
    ["12h", 43_200],
    ["30d", 2_592_000],
    ["2w", 1_209_600],
    ["1h30m", 5_400],
    ["1w1d1h1m1s", 694_861],
  ])("%s is %i seconds", (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  test.each([
    "",
    "0s",
    "5",
    "m",
    "1.5h",
    "-1h",
    "30m1h",
    "1h1h",
    "1h 30m",
    " 1h",
    "1H",
    "1y",
    "9999999999s",
    "1h\n",
  ])("%j is refused as wrong usage", (text) => {
    expect(() => parseDuration(text, "--expires")).toThrow(UsageError);
  });

  test("reads back what is printed for any number of seconds", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 * 365 * 86_400 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds))).toBe(seconds);
      }),
    );
  });

  test("is never anything else than whole seconds from 1 up, whatever is typed", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9wdhms.-]{0,12}$/), (text) => {
        try {
          const seconds = parseDuration(text);
          expect(Number.isSafeInteger(seconds) && seconds >= 1).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

test("a time is told relative to now, in one unit", () => {
  const now = new Date("2030-01-01T12:00:00Z");
  expect(relativeTime("2030-01-01T11:57:00Z", now)).toBe("3m ago");
  expect(relativeTime("2030-01-31T12:00:00Z", now)).toBe("in 30d");
  expect(relativeTime("2030-01-01T12:00:02Z", now)).toBe("just now");
});
