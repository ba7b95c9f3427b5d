import { lstatSync, mkdtempSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withUpgradeLock } from "../../../../../agent/client/upgrade/upgrade-lock.ts";

let directory: string;
let lock: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "upgrade-lock-"));
  lock = join(directory, "lock");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("the lock is there during the work, for nobody else, and gone after it", async () => {
  await withUpgradeLock(lock, async () => {
    expect(readlinkSync(lock)).toBe(`${process.pid} ${hostname()}`);
    await expect(withUpgradeLock(lock, () => Promise.resolve())).rejects.toMatchObject({
      code: "upgrade_running",
    });
  });
  expect(lstatSync(lock, { throwIfNoEntry: false })).toBeUndefined();
});

test("one that another process has taken over in the meantime stays that process's", async () => {
  await withUpgradeLock(lock, async () => {
    renameSync(lock, `${lock}.aside`);
    symlinkSync("1 elsewhere", lock);
  });
  expect(readlinkSync(lock)).toBe("1 elsewhere");
});
