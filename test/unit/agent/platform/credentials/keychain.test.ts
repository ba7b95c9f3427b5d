import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as immediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Keychain, systemKeychain } from "../../../../../agent/platform/credentials/keychain.ts";
import { isProcessAlive } from "../../../../../agent/platform/process-alive.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-test-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

/** Gives its process more time than a slow machine needs to start it. */
function keychainOf(modules: readonly string[]): Keychain {
  return systemKeychain({ env: process.env, modules, timeoutMs: 60_000 });
}

function moduleFile(name: string, source: string): string {
  const path = join(home, name);
  writeFileSync(path, source);
  return path;
}

/** Speaks keytar's interface and keeps everything in a file. */
const working = (file: string) => `
const fs = require("node:fs");
const read = () => { try { return JSON.parse(fs.readFileSync(${JSON.stringify(file)}, "utf8")); } catch { return {}; } };
const write = (all) => fs.writeFileSync(${JSON.stringify(file)}, JSON.stringify(all));
exports.getPassword = async (service, account) => read()[service + "|" + account] ?? null;
exports.setPassword = async (service, account, secret) => write({ ...read(), [service + "|" + account]: secret });
exports.deletePassword = async (service, account) => { const all = read(); delete all[service + "|" + account]; write(all); return true; };
`;

describe("the system's keychain", () => {
  test("gives back what was put in, under Sallyport's name, and nothing after it was removed", async () => {
    const file = join(home, "keys.json");
    const keychain = keychainOf([moduleFile("k.cjs", working(file))]);
    await keychain.set("https://gw.example", "s3cret");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ "sallyport|https://gw.example": "s3cret" });
    expect(await keychain.get("https://gw.example")).toBe("s3cret");
    await keychain.delete("https://gw.example");
    expect(await keychain.get("https://gw.example")).toBeUndefined();
  });

  test("is looked for in the next place where it does not load from the first", async () => {
    const modules = [join(home, "missing.node"), moduleFile("k.cjs", working(join(home, "keys.json")))];
    const keychain = keychainOf(modules);
    await keychain.set("a", "b");
    expect(await keychain.get("a")).toBe("b");
  });

  test("that cannot be loaded is told with the reason", async () => {
    const broken = moduleFile(
      "k.cjs",
      'throw new Error("libsecret-1.so.0: cannot open shared object file");',
    );
    const asking = keychainOf([broken]).get("a");
    await expect(asking).rejects.toMatchObject({
      stage: "keychain",
      code: "keychain_unavailable",
      message: expect.stringContaining("libsecret-1.so.0"),
    });
  });

  test("that is nowhere is told as not installed", async () => {
    const asking = keychainOf([join(home, "a"), join(home, "b")]).get("a");
    await expect(asking).rejects.toThrow("keytar is not installed");
  });

  test("that refuses is told with its own words", async () => {
    const locked = moduleFile(
      "k.cjs",
      'exports.getPassword = async () => { throw new Error("is locked"); };',
    );
    await expect(keychainOf([locked]).get("a")).rejects.toThrow(/is locked/);
  });

  test("that blocks its thread for good is given up at the time limit, and its process is ended", async ({
    signal,
  }) => {
    const pidFile = join(home, "pid");
    const stuck = moduleFile(
      "k.cjs",
      `require("node:fs").writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
    );
    writeFileSync(pidFile, "");
    const keychain = systemKeychain({ env: process.env, modules: [stuck], timeoutMs: 1_000 });
    // The time limit comes once the thread is blocked, however long the process took to start.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const asking = expect(keychain.get("a")).rejects.toMatchObject({
        stage: "keychain",
        code: "keychain_timeout",
      });
      while (readFileSync(pidFile, "utf8") === "" && !signal.aborted) await immediate();
      vi.advanceTimersByTime(1_000);
      await asking;
    } finally {
      vi.useRealTimers();
    }
    const pid = Number(readFileSync(pidFile, "utf8"));
    // 0 would be this process's own group.
    expect(pid).toBeGreaterThan(0);
    await expect.poll(() => isProcessAlive(pid)).toBe(false);
  });

  test("whose process dies is told as unavailable", async () => {
    const dying = moduleFile("k.cjs", "process.exit(139);");
    await expect(keychainOf([dying]).get("a")).rejects.toMatchObject({
      code: "keychain_unavailable",
    });
  });
});
