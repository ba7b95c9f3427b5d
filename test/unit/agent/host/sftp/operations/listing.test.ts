import { Stats } from "node:fs";
import { mkdtemp, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { longName, modeText } from "../../../../../../agent/host/sftp/operations/listing.ts";
import { findMountOptions } from "../../../../../../agent/host/sftp/statvfs.ts";
import { UserDatabase } from "../../../../../../agent/host/sftp/user-database.ts";

let home = "";
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "sftp-listing-"));
});
afterEach(() => rm(home, { recursive: true }));

describe("modeText", () => {
  test("shows kinds and special bits as ls does", () => {
    expect(modeText(0o100644)).toBe("-rw-r--r--");
    expect(modeText(0o041777)).toBe("drwxrwxrwt");
    expect(modeText(0o041666)).toBe("drw-rw-rwT");
    expect(modeText(0o106755)).toBe("-rwsr-sr-x");
    expect(modeText(0o106644)).toBe("-rwSr-Sr--");
    expect(modeText(0o120777)).toBe("lrwxrwxrwx");
    expect(modeText(0o010600)).toBe("prw-------");
  });
});

describe("longName", () => {
  const names = { user: (uid: number) => `u${uid}`, group: (gid: number) => `g${gid}` };

  test("shows the hour of a recent file, the year of an old and of a future one, and the name's bytes as they are", async () => {
    const file = join(home, "a");
    await writeFile(file, "12345");
    const name = Buffer.from([0x66, 0xff, 0x0a]);
    const now = new Date(2026, 5, 15, 12);
    const lineAt = async (time: Date): Promise<Buffer> => {
      await utimes(file, time, time);
      const stats = await stat(file);
      expect(stats).toBeInstanceOf(Stats);
      stats.uid = 7;
      stats.gid = 1234567;
      stats.mode = 0o100640;
      return longName(name, stats, names, now);
    };
    const expected = (date: string): Buffer =>
      Buffer.concat([Buffer.from(`-rw-r-----    1 u7       g1234567        5 ${date} `), name]);
    expect(await lineAt(new Date(2026, 4, 3, 7, 5))).toEqual(expected("May  3 07:05"));
    expect(await lineAt(new Date(2024, 11, 24, 7, 5))).toEqual(expected("Dec 24  2024"));
    expect(await lineAt(new Date(2026, 5, 15, 13))).toEqual(expected("Jun 15  2026"));
  });
});

describe("UserDatabase", () => {
  test("reads a file again when it has changed, takes the first of two names, and numbers what has none", async () => {
    const passwd = join(home, "passwd");
    await writeFile(passwd, "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/toor:/bin/sh\n#x:x:5:5::/:\nbad\n");
    const accounts = new UserDatabase(passwd, join(home, "no-such-file"));
    const before = await accounts.names();
    expect([before.user(0), before.user(5), before.group(0)]).toEqual(["root", "5", "0"]);
    expect(await accounts.home("toor")).toBe("/toor");
    await writeFile(passwd, "root:x:0:0::/root:/bin/sh\nnew:x:5:5::/home/new:/bin/sh\n");
    expect((await accounts.names()).user(5)).toBe("new");
  });
});

describe("findMountOptions", () => {
  const table = [
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
    "22 21 8:1 /x /mnt/a\\040b ro,nosuid - ext4 /dev/sda1 rw",
    "23 21 0:50 / /proc rw,nosuid - proc proc rw",
    "",
  ].join("\n");
  const device = 8 * 256 + 1;
  const options = (path: string): string[] => [...findMountOptions(table, device, Buffer.from(path))];

  test("takes the innermost mount of the device that holds the path", () => {
    expect(options("/home/x")).toEqual(["rw", "relatime"]);
    expect(options("/mnt/a b/c")).toEqual(["ro", "nosuid"]);
    expect(options("/mnt/a bc")).toEqual(["rw", "relatime"]);
    expect([...findMountOptions(table, 99, Buffer.from("/"))]).toEqual([]);
  });
});
