import { expect, test } from "vitest";
import {
  type ConnectionStatus,
  formatRate,
  parseStatus,
  STALE_AFTER_MS,
  statusFileName,
  traffic,
} from "../../../../../agent/client/tunnel/connection-status.ts";

const status = (over: Partial<ConnectionStatus> = {}): ConnectionStatus => ({
  workspace: "dev",
  pid: 7,
  since: 0,
  updatedAt: 1_000,
  state: "connected",
  roundTripMs: 20,
  bytesIn: 10,
  bytesOut: 5,
  ...over,
});

test("companions of one workspace are counted together, the quickest one tells the round trip", () => {
  const both = [status(), status({ pid: 8, roundTripMs: 12 }), status({ pid: 9, roundTripMs: null })];
  expect(traffic(both, 1_500)).toEqual({
    connections: 3,
    roundTripMs: 12,
    bytes: 45,
    reconnecting: 0,
    lost: 0,
  });
});

test("a companion whose way is cut counts as reconnecting, and one that gave up as lost, which carries nothing", () => {
  const all = [status(), status({ pid: 8, state: "reconnecting" }), status({ pid: 9, state: "lost" })];
  expect(traffic(all, 1_500)).toMatchObject({ connections: 2, reconnecting: 1, lost: 1 });
});

test("a companion that has not written for a while carries nothing any more", () => {
  expect(traffic([status()], 1_000 + STALE_AFTER_MS)).toEqual({
    connections: 0,
    roundTripMs: undefined,
    bytes: 0,
    reconnecting: 0,
    lost: 0,
  });
});

test("a status comes back as it was written, and anything else is none", () => {
  expect(parseStatus(JSON.stringify(status()))).toEqual(status());
  for (const text of [
    "",
    "{",
    "[]",
    "null",
    '{"workspace":"dev"}',
    JSON.stringify({ ...status(), bytesIn: -1 }),
  ]) {
    expect(parseStatus(text)).toBeUndefined();
  }
});

test("a name that means something in a path gets no file", () => {
  expect(statusFileName("dev.ana", 7)).toBe("dev.ana.7.json");
  expect(statusFileName("../dev", 7)).toBeUndefined();
});

test.each([
  [0, "0 B/s"],
  [999, "999 B/s"],
  [1_234, "1.2 kB/s"],
  [12_345, "12 kB/s"],
  [999_999, "1.0 MB/s"],
  [48_000_000, "48 MB/s"],
])("%d bytes per second are %s", (rate, text) => {
  expect(formatRate(rate)).toBe(text);
});
