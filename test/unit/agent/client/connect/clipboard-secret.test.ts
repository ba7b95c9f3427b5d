import { expect, test } from "vitest";
import {
  CLEAR_AFTER_MS,
  clearIfStillThere,
  parsePending,
  pendingClearing,
} from "../../../../../agent/client/connect/clipboard-secret.ts";
import { newOwnerToken } from "../../../../../protocol/values/token.ts";

function clipboard(text: string) {
  return {
    text,
    readText() {
      return Promise.resolve(this.text);
    },
    writeText(next: string) {
      this.text = next;
      return Promise.resolve();
    },
  };
}

test("the secret leaves the clipboard", async () => {
  const secret = newOwnerToken();
  const board = clipboard(secret);
  expect(await clearIfStillThere(board, pendingClearing(secret, 0))).toBe(true);
  expect(board.text).toBe("");
});

test("what the person has copied since stays", async () => {
  const board = clipboard("something else");
  expect(await clearIfStillThere(board, pendingClearing(newOwnerToken(), 0))).toBe(false);
  expect(board.text).toBe("something else");
});

test("what is remembered tells when, and never the secret", () => {
  const secret = newOwnerToken();
  const pending = pendingClearing(secret, 1_000);
  expect(pending.at).toBe(1_000 + CLEAR_AFTER_MS);
  expect(JSON.stringify(pending)).not.toContain(secret);
  expect(parsePending(JSON.parse(JSON.stringify(pending)), 1_000)).toEqual(pending);
});

test("a clock that was set back makes nobody wait for longer than the minute", () => {
  const pending = pendingClearing(newOwnerToken(), 1_000_000_000);
  expect(parsePending(pending, 5_000)?.at).toBe(5_000 + CLEAR_AFTER_MS);
});

test.each([undefined, null, 7, {}, { sha256: 1, at: 2 }, { sha256: "x", at: Number.NaN }])(
  "%j is not remembered",
  (value) => {
    expect(parsePending(value, 0)).toBeUndefined();
  },
);
