import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readPrivateFile, writePrivateFile } from "../../../../../agent/platform/files/private-file.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sallyport-test-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

describe("a private file", () => {
  test("is written 0600 in a directory made 0700, leaves nothing else behind, and reads back", () => {
    const path = join(home, "a", "b", "secret");
    writePrivateFile(path, "one");
    writePrivateFile(path, "two");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, "a", "b")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(home, "a", "b"))).toEqual(["secret"]);
    expect(readPrivateFile(path)).toBe("two");
  });

  test("that does not exist reads as undefined, and every other failure is told", () => {
    expect(readPrivateFile(join(home, "none"))).toBeUndefined();
    mkdirSync(join(home, "directory"), { mode: 0o700 });
    expect(() => readPrivateFile(join(home, "directory"))).toThrow(
      expect.objectContaining({ stage: "file" }),
    );
    symlinkSync("loop", join(home, "loop"));
    expect(() => readPrivateFile(join(home, "loop"))).toThrow(expect.objectContaining({ code: "ELOOP" }));
  });

  test.each([0o640, 0o604, 0o620, 0o610])("with mode %o is refused, with the chmod to run", (mode) => {
    const path = join(home, "secret");
    writePrivateFile(path, "x");
    chmodSync(path, mode);
    expect(() => readPrivateFile(path)).toThrow(`chmod 600 ${path}`);
  });

  test("in a directory that others can enter is refused, for reading and for writing", () => {
    const directory = join(home, "open");
    const path = join(directory, "secret");
    writePrivateFile(path, "x");
    chmodSync(directory, 0o755);
    expect(() => readPrivateFile(path)).toThrow(`chmod 700 ${directory}`);
    expect(() => writePrivateFile(path, "y")).toThrow(`chmod 700 ${directory}`);
  });

  test("keeps its old bytes when it cannot be written", () => {
    const path = join(home, "kept");
    mkdirSync(join(path, "in-the-way"), { recursive: true, mode: 0o700 });
    expect(() => writePrivateFile(path, "new")).toThrow(expect.objectContaining({ stage: "file" }));
    expect(readdirSync(home)).toEqual(["kept"]);
  });

  test.runIf(process.getuid?.() === 0)("of another user is refused", async () => {
    const { chownSync } = await import("node:fs");
    const path = join(home, "theirs");
    writeFileSync(path, "x", { mode: 0o600 });
    chownSync(path, 12345, 12345);
    expect(() => readPrivateFile(path)).toThrow(/another user \(uid 12345\)/);
  });
});
