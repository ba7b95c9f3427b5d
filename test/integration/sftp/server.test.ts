// What cannot be compared with OpenSSH's server: its greeting, order, odd files, and read-only mode.

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PacketWriter } from "../../../agent/host/sftp/packet.ts";
import { MAX_DATA_BYTES, MAX_HANDLES, MAX_PACKET_BYTES, PACKET } from "../../../agent/host/sftp/wire.ts";
import { LONG } from "../../support/long.ts";
import {
  handleOf,
  nameOf,
  ourServer,
  type RawClient,
  describe as statusOf,
  unGreeted,
} from "./raw-client.ts";

let home = "";
let client: RawClient;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "sftp-server-")));
  await writeFile(join(home, "file"), "0123456789");
  client = await ourServer({ cwd: home });
});
afterEach(async () => {
  await client.end();
  await rm(home, { recursive: true });
});

describe("greeting", () => {
  test("announces OpenSSH's extensions with their versions", async () => {
    const { client: fresh } = await unGreeted({ cwd: home });
    expect(Object.fromEntries(await fresh.greet())).toEqual({
      "posix-rename@openssh.com": "1",
      "statvfs@openssh.com": "2",
      "fstatvfs@openssh.com": "2",
      "hardlink@openssh.com": "1",
      "fsync@openssh.com": "1",
      "lsetstat@openssh.com": "1",
      "limits@openssh.com": "1",
      "expand-path@openssh.com": "1",
      "copy-data": "1",
      "home-directory": "1",
      "users-groups-by-id@openssh.com": "1",
    });
    await fresh.end();
  });

  test("tells the limits that it holds", async () => {
    const { fields } = await client.extended("limits@openssh.com");
    expect([fields.u64(), fields.u64(), fields.u64(), fields.u64()]).toEqual(
      [MAX_PACKET_BYTES, MAX_DATA_BYTES, MAX_DATA_BYTES, MAX_HANDLES].map(BigInt),
    );
  });

  test("expands the home directory of the user that it runs as, and of others", async () => {
    expect(
      nameOf(await client.extended("home-directory", (packet) => packet.string("root"))).toString(),
    ).toBe("/root");
    const person = { home, signedInAs: "devbox" };
    const theirs = await ourServer({ cwd: "/", person });
    const own = await theirs.extended("home-directory", (packet) => packet.string(""));
    expect(nameOf(own).toString()).toBe(person.home);
    const inOwn = await theirs.extended("expand-path@openssh.com", (packet) => packet.string("~/x"));
    expect(nameOf(inOwn).toString()).toBe(`${person.home}/x`);
    const ofDevbox = await theirs.extended("home-directory", (packet) => packet.string("devbox"));
    expect(nameOf(ofDevbox).toString()).toBe(person.home);
    const below = await theirs.extended("expand-path@openssh.com", (packet) => packet.string("~devbox/x"));
    expect(nameOf(below).toString()).toBe(`${person.home}/x`);
    // A name that a user of the machine has means that user.
    const ofRoot = await theirs.extended("home-directory", (packet) => packet.string("root"));
    expect(nameOf(ofRoot).toString()).toBe("/root");
    await theirs.end();
    const unknown = await client.extended("home-directory", (packet) => packet.string("nobody-of-this-name"));
    expect(statusOf(unknown)).toBe("noSuchFile");
  });
});

describe("files", () => {
  test("carry the largest READ and WRITE in one packet", async () => {
    const data = Buffer.alloc(MAX_DATA_BYTES, "abcdefg");
    const handle = await client.open("large", 1 | 2 | 8);
    expect(statusOf(await client.write(handle, 0, data))).toBe("ok");
    const { fields } = await client.read(handle, 0, MAX_DATA_BYTES + 1000);
    expect(fields.string().equals(data)).toBe(true);
  });

  test("take their mode from OPEN, less the umask", async () => {
    const before = process.umask(0o027);
    await client.close(await client.open("private", 2 | 8, 0o666));
    await client.request(PACKET.mkdir, (packet) => packet.string("dir").u32(0));
    process.umask(before);
    expect((await stat(join(home, "private"))).mode & 0o7777).toBe(0o640);
    expect((await stat(join(home, "dir"))).mode & 0o7777).toBe(0o750);
  });

  test("see requests on one handle in the order they were sent, without waiting for answers", async () => {
    const handle = await client.open("order", 1 | 2 | 8);
    const results = await Promise.all([
      client.write(handle, 0, "first"),
      client.read(handle, 0, 100),
      client.write(handle, 0, "FIRST+"),
      client.read(handle, 0, 100),
      client.onPath(PACKET.stat, "order"),
      client.close(handle),
      client.read(handle, 0, 100),
    ]);
    expect(results[1]?.fields.string().toString()).toBe("first");
    expect(results[3]?.fields.string().toString()).toBe("FIRST+");
    results[4]?.fields.u32();
    expect(results[4]?.fields.u64()).toBe(6n);
    expect(results.filter((_, index) => [0, 2, 5, 6].includes(index)).map(statusOf)).toEqual([
      "ok",
      "ok",
      "ok",
      "failure",
    ]);
  });

  test("that are FIFOs do not hold up the process", async () => {
    execFileSync("mkfifo", [join(home, "fifo")]);
    const handle = await client.open("fifo", 1);
    expect(statusOf(await client.read(handle, 0, 10))).toBe("failure");
    await client.close(handle);
    expect(statusOf(await client.tryOpen("fifo", 2))).toBe("failure");
  });

  test("answer offsets beyond all files without harm", async () => {
    const handle = await client.open("file", 1 | 2);
    const read = client.request(PACKET.read, (packet) =>
      packet
        .string(handle)
        .u64(2n ** 64n - 1n)
        .u32(10),
    );
    expect(statusOf(await read)).toBe("badMessage");
  });

  test("say in words why a request failed", async () => {
    const { fields } = await client.onPath(PACKET.rmdir, "/proc/self/fd");
    fields.u32();
    expect(fields.string().toString()).toMatch(/^[A-Z][a-z ]+$/);
    const full = await client.open("/dev/full", 2);
    const answer = await client.write(full, 0, "x");
    expect(answer.fields.u32()).toBe(4);
    expect(answer.fields.string().toString()).toBe("No space left on device");
  });
});

describe("directories", () => {
  test("of 10,000 entries are listed whole, in batches", LONG, async () => {
    const many = join(home, "many");
    await mkdir(many);
    const names = Array.from({ length: 10_000 }, (_, index) => `entry ${index}`);
    for (const name of names) await symlink("x", join(many, name));
    const handle = handleOf(await client.onPath(PACKET.opendir, "many"));
    const seen = new Set<string>();
    let batches = 0;
    for (;;) {
      const { type, fields } = await client.request(PACKET.readdir, (packet) => packet.string(handle));
      if (type !== PACKET.name) break;
      batches++;
      for (let count = fields.u32(); count > 0; count--) {
        seen.add(fields.string().toString());
        fields.string();
        fields.u32();
        for (let word = 0; word < 7; word++) fields.u32();
      }
    }
    expect([...seen].sort()).toEqual([...names, ".", ".."].sort());
    expect(batches).toBeLessThan(110);
  });

  test("keep names that are not UTF-8", async () => {
    const name = Buffer.from([0xff, 0x41, 0xc3, 0x28]);
    await client.request(PACKET.mkdir, (packet) => packet.string(name).u32(0));
    const inside = Buffer.concat([name, Buffer.from("/é\n")]);
    await client.close(await client.open(inside, 2 | 8));
    expect(nameOf(await client.onPath(PACKET.realpath, inside))).toEqual(
      Buffer.concat([Buffer.from(`${home}/`), inside]),
    );
    const handle = handleOf(await client.onPath(PACKET.opendir, name));
    const listing = await client.request(PACKET.readdir, (packet) => packet.string(handle));
    const text = Buffer.alloc(listing.fields.remaining);
    for (let index = 0; index < text.length; index++) text[index] = listing.fields.u8();
    expect(text.includes("é\n")).toBe(true);
    expect(statusOf(await client.onPath(PACKET.remove, inside))).toBe("ok");
  });
});

describe("read-only mode", () => {
  test("refuses every change and allows every look", async () => {
    const reader = await ourServer({ cwd: home, readOnly: true });
    const two = (packet: PacketWriter): PacketWriter => packet.string("file").string("other");
    const handle = await reader.open("file", 1);
    const changes = [
      ...[2, 3, 1 | 8, 1 | 16, 4 | 2].map((pflags) => reader.tryOpen("file", pflags)),
      reader.write(handle, 0, "x"),
      reader.request(PACKET.setstat, (packet) => packet.string("file").u32(0)),
      reader.request(PACKET.fsetstat, (packet) => packet.string(handle).u32(0)),
      reader.onPath(PACKET.remove, "file"),
      reader.request(PACKET.mkdir, (packet) => packet.string("d").u32(0)),
      reader.onPath(PACKET.rmdir, "d"),
      reader.request(PACKET.rename, two),
      reader.request(PACKET.symlink, two),
      reader.extended("posix-rename@openssh.com", two),
      reader.extended("hardlink@openssh.com", two),
      reader.extended("fsync@openssh.com", (packet) => packet.string(handle)),
      reader.extended("lsetstat@openssh.com", (packet) => packet.string("file").u32(0)),
      reader.extended("copy-data", (packet) => packet.string(handle).u64(0n).u64(0n).string(handle).u64(0n)),
    ];
    expect(new Set((await Promise.all(changes)).map(statusOf))).toEqual(new Set(["permissionDenied"]));
    expect(readdirSync(home)).toEqual(["file"]);
    expect(await readFile(join(home, "file"), "utf8")).toBe("0123456789");
    expect((await reader.read(handle, 0, 3)).fields.string().toString()).toBe("012");
    const { fields } = await reader.extended("statvfs@openssh.com", (packet) => packet.string("."));
    const words = Array.from({ length: 11 }, () => fields.u64());
    expect((words[9] ?? 0n) & 1n).toBe(1n);
    await reader.end();
  });
});
