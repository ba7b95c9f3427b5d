// Sends the same requests to OpenSSH's sftp-server and to ours, each in its own directory: the answers must agree.

import { existsSync } from "node:fs";
import { lutimes, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PACKET } from "../../../agent/host/sftp/wire.ts";
import {
  type Answer,
  handleOf,
  opensshServer,
  ourServer,
  type RawClient,
  SFTP_SERVER,
} from "./raw-client.ts";

interface Side {
  readonly client: RawClient;
  readonly root: string;
}

/** Seconds since 1970. All files that a test makes in advance are older. */
const PLANTED_BEFORE = 1.3e9;
const odd = Buffer.from([0x6f, 0xff, 0xfe, 0x0a, 0x20, 0x64]);
let top = "";
let sides: Side[] = [];

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), "sftp-agree-"));
  const roots = [join(top, "a"), join(top, "b")] as const;
  for (const root of roots) await plant(root);
  sides = [
    { client: await opensshServer(roots[0]), root: roots[0] },
    { client: await ourServer({ cwd: roots[1] }), root: roots[1] },
  ];
});
afterEach(async () => {
  for (const { client } of sides) await client.end();
  await rm(top, { recursive: true });
});

async function plant(root: string): Promise<void> {
  await mkdir(join(root, "dir/inner"), { recursive: true });
  await writeFile(join(root, "file"), "0123456789");
  await writeFile(Buffer.concat([Buffer.from(`${root}/`), odd]), "odd");
  await symlink("file", join(root, "link"));
  await symlink("dir", join(root, "dirlink"));
  await symlink("missing", join(root, "dangling"));
  await symlink("gone/deeper", join(root, "dangling-deep"));
  await symlink("loop", join(root, "loop"));
  const names = await readdir(root);
  for (const name of names.filter((name) => name.startsWith("d") || name.startsWith("l"))) {
    await lutimes(join(root, name), 1e9, 1.2e9);
  }
  for (const name of ["file", "dir/inner", "."]) await utimes(join(root, name), 1e9, 1.1e9);
  await utimes(Buffer.concat([Buffer.from(`${root}/`), odd]), 1e9, 1.1e9);
}

/** An answer as text: status codes, names, data, attributes; the side's own directory and times of access left out. */
function show(answer: Answer, root: string): string {
  const { fields } = answer;
  if (answer.type === PACKET.status) return `status ${fields.u32()}`;
  if (answer.type === PACKET.data) return `data ${fields.string().toString("latin1")}`;
  if (answer.type === PACKET.attrs) return `attrs ${showAttributes(fields)}`;
  if (answer.type === PACKET.extendedReply) return `reply ${fields.remaining}`;
  if (answer.type !== PACKET.name) return `type ${answer.type}`;
  const entries: string[] = [];
  for (let count = fields.u32(); count > 0; count--) {
    const name = fields.string().toString("latin1");
    const long = fields.string().toString("latin1");
    entries.push(`${name} | ${long} | ${showAttributes(fields)}`.replaceAll(root, "ROOT"));
  }
  return entries.sort().join("\n");
}

/** The two sides change files at different moments, so only the fact that a file was changed is compared. */
function showAttributes(fields: Answer["fields"]): string {
  const flags = fields.u32();
  if (flags === 0) return "none";
  const [size, uid, gid, mode] = [fields.u64(), fields.u32(), fields.u32(), fields.u32()];
  fields.u32();
  const modified = fields.u32();
  return [flags, size, uid, gid, mode.toString(8), modified < PLANTED_BEFORE ? modified : "now"].join(" ");
}

/** Runs the same steps on both sides and compares what each step shows. */
async function agree(
  steps: (side: Side, log: (answer: Answer | string) => void) => Promise<void>,
): Promise<string[]> {
  const logs: string[][] = [];
  for (const side of sides) {
    const log: string[] = [];
    await steps(side, (answer) => log.push(typeof answer === "string" ? answer : show(answer, side.root)));
    logs.push(log);
  }
  expect(logs[1]).toEqual(logs[0]);
  return logs[1] ?? [];
}

describe.skipIf(!existsSync(SFTP_SERVER))("our server answers as OpenSSH's does", () => {
  test("to REALPATH of what exists, is missing, dangles or loops", async () => {
    const paths = [
      "",
      ".",
      "..",
      "/",
      "//",
      "file",
      "file/",
      "file/.",
      "file/x",
      "missing",
      "missing/",
      "missing/x",
      "link",
      "dirlink/inner",
      "dirlink/../file",
      "dangling",
      "dangling-deep",
      "loop",
      "dir/./inner//..",
      "/nowhere/x",
      odd,
      `${"x".repeat(300)}`,
    ];
    await agree(async ({ client }, log) => {
      for (const path of paths) log(await client.onPath(PACKET.realpath, path));
    });
  });

  test("to STAT, LSTAT and READLINK", async () => {
    await agree(async ({ client }, log) => {
      for (const path of ["file", "dir", "dangling", "loop", "missing", "file/x", "", odd, "x".repeat(300)]) {
        log(await client.onPath(PACKET.stat, path));
        log(await client.onPath(PACKET.readlink, path));
        if (path !== "dangling" && path !== "loop") log(await client.onPath(PACKET.lstat, path));
      }
    });
  });

  test("to a listing, long names and odd bytes included", async () => {
    const listed = await agree(async ({ client }, log) => {
      await client.request(PACKET.setstat, (packet) => packet.string(odd).u32(8).u32(5).u32(6));
      const handle = handleOf(await client.onPath(PACKET.opendir, "."));
      for (;;) {
        const answer = await client.request(PACKET.readdir, (packet) => packet.string(handle));
        if (answer.type === PACKET.status) {
          log(answer);
          break;
        }
        log(answer);
      }
      log(await client.close(handle));
      log(await client.request(PACKET.readdir, (packet) => packet.string(handle)));
      log(await client.onPath(PACKET.opendir, "file"));
      log(await client.onPath(PACKET.opendir, "missing"));
    });
    expect(listed[0]).toContain(odd.toString("latin1"));
  });

  test("to OPEN in every combination of flags, on a file that exists and on one that does not", async () => {
    await agree(async ({ client, root }, log) => {
      for (let pflags = 0; pflags < 64; pflags++) {
        for (const name of ["file", "new"]) {
          await writeFile(join(root, "file"), "0123456789");
          await rm(join(root, "new"), { force: true });
          const opened = await client.tryOpen(name, pflags, 0o640);
          if (opened.type !== PACKET.handle) {
            log(opened);
            continue;
          }
          const handle = handleOf(opened);
          log(await client.write(handle, 3, "abc"));
          log(await client.read(handle, 2, 100));
          log(await client.request(PACKET.fstat, (packet) => packet.string(handle)));
          log(await client.close(handle));
          expect((await readFile(join(root, name))).length).toBeLessThan(14);
        }
      }
    });
  });

  test("to READ at, over and beyond the end, and to handles that do not fit", async () => {
    await agree(async ({ client }, log) => {
      const file = await client.open("file", 1);
      const dir = handleOf(await client.onPath(PACKET.opendir, "dir"));
      for (const [offset, length] of [
        [0, 4],
        [8, 100],
        [10, 1],
        [99, 5],
        [0, 0],
        [0, 0xffffffff],
      ] as const) {
        log(await client.read(file, offset, length));
      }
      log(await client.read(dir, 0, 1));
      log(await client.request(PACKET.readdir, (packet) => packet.string(file)));
      log(await client.request(PACKET.fstat, (packet) => packet.string(dir)));
      log(await client.request(PACKET.fsetstat, (packet) => packet.string(dir).u32(0)));
      log(await client.read(Buffer.from("nonsense"), 0, 1));
      log(await client.close(Buffer.alloc(4, 9)));
      log(await client.close(Buffer.alloc(0)));
    });
  });

  test("to RENAME, which must not overwrite, and posix-rename, which does", async () => {
    await agree(async ({ client, root }, log) => {
      const rename = (from: string, to: string) =>
        client.request(PACKET.rename, (packet) => packet.string(from).string(to));
      log(await rename("file", "link"));
      log(await rename("file", "dir"));
      log(await rename("dir", "link"));
      log(await rename("missing", "x"));
      log(await rename("file", "renamed"));
      log(await rename("dir", "renamed-dir"));
      log(await rename("link", "renamed-link"));
      log(
        await client.extended("posix-rename@openssh.com", (packet) =>
          packet.string("renamed").string("renamed-link"),
        ),
      );
      log(await client.onPath(PACKET.lstat, "renamed-link"));
      expect(await readFile(join(root, "renamed-link"), "utf8")).toBe("0123456789");
    });
  });

  test("to MKDIR, RMDIR, REMOVE, SYMLINK and hardlink", async () => {
    await agree(async ({ client }, log) => {
      log(await client.request(PACKET.mkdir, (packet) => packet.string("made").u32(4).u32(0o711)));
      log(await client.onPath(PACKET.lstat, "made"));
      log(await client.request(PACKET.mkdir, (packet) => packet.string("made").u32(0)));
      log(await client.onPath(PACKET.rmdir, "dir"));
      log(await client.onPath(PACKET.rmdir, "made"));
      log(await client.onPath(PACKET.rmdir, "file"));
      log(await client.onPath(PACKET.remove, "dir"));
      log(await client.onPath(PACKET.remove, "dangling"));
      log(await client.onPath(PACKET.remove, "missing"));
      log(await client.request(PACKET.symlink, (packet) => packet.string("the target").string("made-link")));
      log(await client.onPath(PACKET.readlink, "made-link"));
      log(await client.request(PACKET.symlink, (packet) => packet.string("x").string("file")));
      log(await client.extended("hardlink@openssh.com", (packet) => packet.string("file").string("hard")));
      log(await client.extended("hardlink@openssh.com", (packet) => packet.string("dir").string("hard2")));
    });
  });

  test("to SETSTAT, FSETSTAT and lsetstat of size, mode, times and owner", async () => {
    await agree(async ({ client }, log) => {
      const set = (path: string) =>
        client.request(PACKET.setstat, (packet) =>
          packet.string(path).u32(13).u64(4n).u32(0o4711).u32(77).u32(88),
        );
      log(await set("file"));
      log(await client.onPath(PACKET.stat, "file"));
      log(await set("missing"));
      log(await set("dir"));
      log(await client.onPath(PACKET.stat, "dir"));
      const handle = await client.open("file", 2);
      log(
        await client.request(PACKET.fsetstat, (packet) =>
          packet.string(handle).u32(13).u64(20n).u32(0o600).u32(7).u32(8),
        ),
      );
      log(await client.request(PACKET.fstat, (packet) => packet.string(handle)));
      for (const path of ["link", "file"]) {
        log(
          await client.extended("lsetstat@openssh.com", (packet) =>
            packet.string(path).u32(8).u32(9).u32(10),
          ),
        );
        log(await client.onPath(PACKET.lstat, path));
        log(await client.extended("lsetstat@openssh.com", (packet) => packet.string(path).u32(1).u64(1n)));
        log(await client.extended("lsetstat@openssh.com", (packet) => packet.string(path).u32(4).u32(0o604)));
      }
      log(await client.onPath(PACKET.stat, "file"));
    });
  });

  test("to its extensions", async () => {
    await agree(async ({ client, root }, log) => {
      const handle = await client.open("file", 3);
      const target = await client.open("copied", 2 | 8);
      const copy = (from: Buffer, to: Buffer, offset: bigint, length: bigint) =>
        client.extended("copy-data", (packet) =>
          packet.string(from).u64(offset).u64(length).string(to).u64(2n),
        );
      log(await copy(handle, target, 1n, 0n));
      expect(await readFile(join(root, "copied"), "latin1")).toBe("\0\x00123456789");
      log(await copy(handle, target, 0n, 3n));
      log(await copy(handle, handle, 0n, 3n));
      log(await client.extended("fsync@openssh.com", (packet) => packet.string(handle)));
      log(await client.extended("fsync@openssh.com", (packet) => packet.string(Buffer.alloc(4, 7))));
      log(await client.extended("statvfs@openssh.com", (packet) => packet.string("link")));
      log(await client.extended("statvfs@openssh.com", (packet) => packet.string("missing")));
      log(await client.extended("fstatvfs@openssh.com", (packet) => packet.string(handle)));
      log(await client.extended("limits@openssh.com"));
      for (const path of ["", "x", "~root", "~root/x/..", "~nobody-of-this-name/x"]) {
        log(await client.extended("expand-path@openssh.com", (packet) => packet.string(path)));
      }
      log(await client.extended("no-such@example.com"));
    });
  });

  test("to statvfs, number by number, and to users-groups-by-id, byte by byte", async () => {
    const words: bigint[][] = [];
    const names: Buffer[] = [];
    const ids = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 0, 0, 1]);
    for (const { client, root } of sides) {
      const { fields } = await client.extended("statvfs@openssh.com", (packet) => packet.string(root));
      words.push(Array.from({ length: 11 }, () => fields.u64()));
      const { fields: lists } = await client.extended("users-groups-by-id@openssh.com", (packet) =>
        packet.string(ids).string(ids),
      );
      names.push(Buffer.concat([lists.string(), lists.string()]));
    }
    // Free blocks and files move under other processes, and the file system's id is not in Node.
    const still = (numbers: bigint[] = []) => [0, 1, 2, 5, 9, 10].map((index) => numbers[index]);
    expect(still(words[1])).toEqual(still(words[0]));
    expect(names[1]).toEqual(names[0]);
  });
});
