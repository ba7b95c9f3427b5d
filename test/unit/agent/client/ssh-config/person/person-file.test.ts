// Failures that a test cannot bring about as root: a file system that answers for itself.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type FileSystem,
  readPersonConfig,
  REAL_FILE_SYSTEM as real,
  replacePersonConfig,
} from "../../../../../../agent/client/ssh-config/person/person-file.ts";

let directory: string;
let path: string;
let backup: string;
const old = Buffer.from("Host a\n");
const wanted = Buffer.from("# new\nHost a\n");
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-person-"));
  path = join(directory, "config");
  backup = join(directory, "backup");
  writeFileSync(path, old, { mode: 0o640 });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function fails(code: string): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(code), { code }));
}
const replace = (fs: Partial<FileSystem>) =>
  replacePersonConfig(path, old, wanted, backup, { ...real, ...fs });
const files = () => readdirSync(directory).toSorted();

describe("readPersonConfig", () => {
  test.each(["EACCES", "EIO", "EPERM"])("takes %s for an error, not for an empty file", async (code) => {
    await expect(readPersonConfig(path, { ...real, readFile: fails(code) })).rejects.toMatchObject({ code });
  });

  test("sees a file system that is read-only before anybody is asked", async () => {
    const fs = { ...real, access: fails("EROFS") };
    expect((await readPersonConfig(path, fs)).readOnly).toBe(`${path} cannot be written (EROFS).`);
    expect((await readPersonConfig(join(directory, "none"), fs)).readOnly).toContain("EROFS");
  });
});

describe("replacePersonConfig", () => {
  test("replaces the file in one step and keeps its mode", async () => {
    const inode = statSync(path).ino;
    expect(await replace({})).toBe(true);
    expect(readFileSync(path)).toEqual(wanted);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(statSync(path).ino).not.toBe(inode);
    expect(files()).toEqual(["config"]);
  });

  test.each([
    ["a directory that others own", "EACCES", "open"],
    ["a mount on the file", "EBUSY", "rename"],
    ["an owner that cannot be given", "EPERM", "chmod"],
  ] as const)("writes in place for %s", async (_, code, call) => {
    const inode = statSync(path).ino;
    const fs: Partial<FileSystem> =
      call === "open"
        ? {
            open: async (name, flags, mode) =>
              flags === "wx" ? await fails(code)() : await real.open(name, flags, mode),
          }
        : { [call]: fails(code) };
    expect(await replace(fs)).toBe(true);
    expect(readFileSync(path)).toEqual(wanted);
    expect(statSync(path).ino).toBe(inode);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(files()).toEqual(["config"]);
  });

  test("puts the old bytes back when a write in place breaks off", async () => {
    let writes = 0;
    const open: FileSystem["open"] = async (name, flags, mode) => {
      if (flags === "wx") return await fails("EACCES")();
      const file = await real.open(name, flags, mode);
      if (flags === "r+" && ++writes === 1) {
        file.sync = async () => {
          await file.truncate(3);
          await fails("ENOSPC")();
        };
      }
      return file;
    };
    await expect(replace({ open })).rejects.toMatchObject({ stage: "file", code: "ENOSPC" });
    expect(readFileSync(path)).toEqual(old);
    expect(files()).toEqual(["config"]);
  });

  test("keeps a backup, and says where, when not even that is possible", async () => {
    let writes = 0;
    const open: FileSystem["open"] = async (name, flags, mode) => {
      if (flags === "wx") return await fails("EACCES")();
      if (flags === "r+" && ++writes === 2) return await fails("EIO")();
      const file = await real.open(name, flags, mode);
      if (flags === "r+") file.sync = fails("EIO");
      return file;
    };
    await expect(replace({ open })).rejects.toThrow(backup);
    expect(readFileSync(backup)).toEqual(old);
  });

  test("writes nothing over a change that somebody else has made, even at the last moment", async () => {
    const chmod: FileSystem["chmod"] = async (name, mode) => {
      await real.chmod(name, mode);
      writeFileSync(path, "Host theirs\n");
    };
    expect(await replace({ chmod })).toBe(false);
    expect(readFileSync(path, "utf8")).toBe("Host theirs\n");
    expect(await replace({})).toBe(false);
    expect(files()).toEqual(["config"]);
  });

  test("makes a file that only its owner may read, in a directory like that", async () => {
    const fresh = join(directory, ".ssh", "config");
    expect(await replacePersonConfig(fresh, undefined, wanted, backup)).toBe(true);
    expect(statSync(fresh).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, ".ssh")).mode & 0o777).toBe(0o700);
    expect(await replacePersonConfig(fresh, undefined, wanted, backup), "it is there by now").toBe(false);
    expect(await replacePersonConfig(fresh, wanted, undefined, backup)).toBe(true);
    expect(existsSync(fresh)).toBe(false);
  });
});
