// The audit log in words: every event that the gateway writes has some.

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { AuditEntry } from "../../../../protocol/api.ts";
import { bytes, detailLines, lasted } from "../../../../web/parts/audit/particulars.ts";
import { eventKinds, eventWords } from "../../../../web/parts/audit/words.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const NONE: AuditEntry = {
  id: "1",
  time: "2026-12-01T12:00:00.000Z",
  event: "tunnel.closed",
  account: null,
  workspace: null,
  address: null,
  token: null,
  key: null,
  code: null,
  bytesIn: null,
  bytesOut: null,
  durationMs: null,
  detail: null,
};

function eventsOfTheGateway(): string[] {
  const found = new Set<string>();
  for (const file of globSync("gateway/**/*.ts", { cwd: ROOT })) {
    const text = readFileSync(join(ROOT, file), "utf8");
    for (const [, name = ""] of text.matchAll(
      /\b(?:event: |audit\(|#audit\()"([a-z]+[a-z-]*(?:\.[a-z-]+)+)"/g,
    ))
      found.add(name);
  }
  return [...found].toSorted();
}

describe("events", () => {
  test("all have words, and a kind to filter by", () => {
    const events = eventsOfTheGateway();
    expect(events).toEqual(expect.arrayContaining(["sign-in.created", "tunnel.closed", "ssh.closed"]));
    const kinds = eventKinds().map(({ value }) => value);
    for (const event of events) {
      expect(eventWords(event), event).not.toBe(event);
      if (!/^(?:upterm|connection|lines|refusals)\./.test(event))
        expect(kinds, event).toContain(event.split(".")[0]);
    }
  });

  test("of a newer gateway are told by their name", () => {
    expect(eventWords("<script>.new")).toBe("<script>.new");
  });
});

test("particulars are told one by one, and only those that there are", () => {
  expect(detailLines(NONE)).toEqual([]);
  expect(
    detailLines({
      ...NONE,
      bytesIn: 1_500,
      bytesOut: 0,
      durationMs: 90_000,
      code: "bad_token",
      detail: "by the owner",
    }),
  ).toEqual(["by the owner", "Code: bad_token", "1.5 kB in, 0 byte out", "Lasted 1.5 minutes"]);
});

test("sizes and durations are in the unit that says most", () => {
  expect([0, 999, 1_000, 12_345_678].map(bytes)).toEqual(["0 byte", "999 byte", "1 kB", "12.3 MB"]);
  expect([20, 1_000, 59_000, 3_600_000, 200_000_000].map(lasted)).toEqual([
    "0 seconds",
    "1 second",
    "59 seconds",
    "1 hour",
    "2.3 days",
  ]);
});
