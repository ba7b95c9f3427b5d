import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "../../../../../agent/platform/files/lock.ts";

let home: string;
let path: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-test-"));
  path = join(home, "lock");
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

test("work under one lock never overlaps", async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock(path, work)));
  expect(most).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test("the lock is free again after work that failed", async () => {
  await expect(withLock(path, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(existsSync(path)).toBe(false);
});

test("a lock whose owner has died is taken over", async () => {
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  writeFileSync(path, String(dead));
  expect(await withLock(path, () => "done")).toBe("done");
});

test("a lock that nobody could hold for so long is taken over", async () => {
  writeFileSync(path, String(process.pid));
  utimesSync(path, new Date(0), new Date(0));
  expect(await withLock(path, () => "done")).toBe("done");
});
