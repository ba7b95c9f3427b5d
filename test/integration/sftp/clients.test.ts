// The real clients that people use (sftp, scp and sshfs), run against our server without SSH in between.

import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const run = promisify(execFile);
const entry = join(import.meta.dirname, "stdio-server.ts");

let home = "";
let remote = "";
let local = "";
let program = "";

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "sftp-clients-")));
  remote = join(home, "remote");
  local = join(home, "local");
  await mkdir(remote);
  await mkdir(local);
  // scp takes a program without arguments.
  program = join(home, "server");
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${entry}' '${remote}'\n`);
  await chmod(program, 0o700);
});
afterEach(() => rm(home, { recursive: true }));

/** Runs sftp's commands in the local directory; the first failing one ends it and rejects. */
async function sftp(commands: string[], server = program): Promise<string> {
  const batch = join(home, "batch");
  await writeFile(batch, `${commands.join("\n")}\n`);
  const { stdout, stderr } = await run("sftp", ["-q", "-b", batch, "-D", server], { cwd: local });
  return stdout + stderr;
}

async function digest(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

describe.skipIf(!existsSync("/usr/bin/sftp"))("sftp", () => {
  test("puts and gets a large file unchanged, and resumes what was cut off", async () => {
    const data = randomBytes(20 * 1024 * 1024 + 4321);
    await writeFile(join(local, "large"), data);
    await sftp(["put large", "get large back"]);
    expect(await digest(join(local, "back"))).toBe(await digest(join(local, "large")));
    await truncate(join(remote, "large"), 7_000_001);
    await truncate(join(local, "back"), 3_000_001);
    await sftp(["reput large", "reget large back"]);
    expect((await readFile(join(remote, "large"))).equals(data)).toBe(true);
    expect((await readFile(join(local, "back"))).equals(data)).toBe(true);
  });

  test("makes, links, copies, renames, changes and removes", async () => {
    await writeFile(join(local, "a"), "content");
    const output = await sftp([
      "mkdir d",
      "put a d/a",
      "ln -s a d/soft",
      "ln d/a d/hard",
      "symlink nowhere d/dangling",
      "cp d/a d/copy",
      "rename d/copy d/moved",
      "chmod 640 d/a",
      "chown 12 d/moved",
      "chgrp 34 d/moved",
      "ls -l d",
      "ls -ln d",
      "df",
      "df -i",
      "mkdir e",
      "rmdir e",
      "rm d/soft",
      "put -fp a synced",
      "pwd",
    ]);
    expect(output).toContain(`Remote working directory: ${remote}`);
    expect(output).toMatch(/^-rw-r-----.* d?\/?(d\/)?a$/m);
    expect(output).toMatch(/%/);
    expect((await readdir(join(remote, "d"))).sort()).toEqual(["a", "dangling", "hard", "moved"]);
    expect((await stat(join(remote, "d/a"))).nlink).toBe(2);
    expect((await stat(join(remote, "d/a"))).mode & 0o777).toBe(0o640);
    expect(await readlink(join(remote, "d/dangling"))).toBe("nowhere");
    const moved = await stat(join(remote, "d/moved"));
    if (process.getuid?.() === 0) expect([moved.uid, moved.gid]).toEqual([12, 34]);
    expect(await readFile(join(remote, "d/moved"), "utf8")).toBe("content");
  });

  test("carries names with spaces, quotes, newlines, other alphabets, and bytes that are not UTF-8", async () => {
    for (const name of ["with space", 'it\'s "quoted"', "new\nline", "naïve Ελλάδα 日本"]) {
      await writeFile(join(remote, name), name);
    }
    const raw = Buffer.concat([Buffer.from(`${remote}/`), Buffer.from([0x72, 0xff, 0xfe])]);
    await writeFile(raw, "raw");
    await sftp(["get *", 'put "with space" "with space/../with another"']).catch(() => undefined);
    expect(
      (await readdir(local, { encoding: "buffer" })).map((name) => name.toString("latin1")).sort(),
    ).toEqual((await readdir(remote, { encoding: "buffer" })).map((name) => name.toString("latin1")).sort());
    expect(await readFile(join(local, "new\nline"), "utf8")).toBe("new\nline");
  });

  test("is told why it may not write in a read-only session, and can still read", async () => {
    await writeFile(join(remote, "a"), "kept");
    await writeFile(join(local, "b"), "b");
    const readOnly = `${program}-ro`;
    await writeFile(readOnly, `#!/bin/sh\nexec '${process.execPath}' '${entry}' '${remote}' --read-only\n`);
    await chmod(readOnly, 0o700);
    await sftp(["get a"], readOnly);
    await expect(sftp(["put b"], readOnly)).rejects.toThrow(/Permission denied/);
    await expect(sftp(["rm a"], readOnly)).rejects.toThrow(/Permission denied/);
    expect(await readdir(remote)).toEqual(["a"]);
  });
});

describe.skipIf(!existsSync("/usr/bin/scp"))("scp", () => {
  const scp = (...args: string[]) => run("scp", ["-q", "-D", program, ...args], { cwd: local });

  test("copies a tree each way with modes, times, and a sparse file", async () => {
    await mkdir(join(local, "tree/sub dir"), { recursive: true });
    await writeFile(join(local, "tree/run"), "#!/bin/sh\n", { mode: 0o755 });
    await writeFile(join(local, "tree/sub dir/é"), randomBytes(300_000));
    const sparse = await open(join(local, "tree/sparse"), "w");
    await sparse.truncate(30_000_000);
    await sparse.write("end", 30_000_000);
    await sparse.close();
    await utimes(join(local, "tree/run"), 1_000_000_000, 1_100_000_000);
    await scp("-rp", "tree", "host:");
    await scp("-rp", "host:tree", "back");
    for (const name of ["run", "sub dir/é", "sparse"]) {
      expect(await digest(join(local, "back", name))).toBe(await digest(join(local, "tree", name)));
    }
    for (const place of [join(remote, "tree/run"), join(local, "back/run")]) {
      const { mode, mtimeMs } = await stat(place);
      expect([mode & 0o777, mtimeMs]).toEqual([0o755, 1_100_000_000_000]);
    }
  });

  test("gets a whole file, even if its pipelined reads end out of order", async () => {
    // scp writes in place, and truncates the file at the first answer that overtakes an earlier one.
    await writeFile(join(remote, "large"), randomBytes(30_000_000));
    for (let round = 0; round < 3; round++) {
      await scp("host:large", "large");
      expect((await stat(join(local, "large"))).size).toBe(30_000_000);
    }
  });

  test("fails with the reason where the target cannot be", async () => {
    await writeFile(join(local, "a"), "a");
    await expect(scp("a", "host:no/such/directory/a")).rejects.toThrow(/No such file/);
  });
});

describe.skipIf(!existsSync("/usr/bin/sshfs") || !existsSync("/dev/fuse") || process.getuid?.() !== 0)(
  "sshfs",
  () => {
    let mount = "";
    let unmount: () => Promise<void> = () => Promise.resolve();

    beforeEach(async () => {
      mount = join(home, "mount");
      await mkdir(mount);
      // What sshfs runs as its ssh; it ignores the arguments for ssh.
      const client = spawn("sshfs", ["-f", "-o", `ssh_command=${program}`, "host:", mount], {
        stdio: "inherit",
      });
      const ended = new Promise((resolve) => client.once("exit", resolve));
      unmount = async () => {
        await run("fusermount3", ["-u", mount]);
        await ended;
      };
      const outside = (await stat(home)).dev;
      await expect.poll(async () => (await stat(mount)).dev).not.toBe(outside);
    });
    afterEach(() => unmount());

    test("gives a file system to work in", async () => {
      const data = randomBytes(3_000_000);
      await mkdir(join(mount, "d"));
      await writeFile(join(mount, "d/a"), data);
      expect((await readFile(join(remote, "d/a"))).equals(data)).toBe(true);
      expect((await readFile(join(mount, "d/a"))).equals(data)).toBe(true);
      await rename(join(mount, "d/a"), join(mount, "b"));
      await symlink("b", join(mount, "l"));
      expect(await readlink(join(mount, "l"))).toBe("b");
      await truncate(join(mount, "b"), 10);
      await chmod(join(mount, "b"), 0o600);
      await utimes(join(mount, "b"), 1_000_000_000, 1_100_000_000);
      const { size, mode, mtimeMs } = await lstat(join(remote, "b"));
      expect([size, mode & 0o777, mtimeMs]).toEqual([10, 0o600, 1_100_000_000_000]);
      const file = await open(join(mount, "b"), "a");
      await file.write("appended");
      await file.sync();
      await file.close();
      expect((await readFile(join(remote, "b"))).subarray(10).toString()).toBe("appended");
      const { stdout } = await run("df", ["--output=size", mount]);
      expect(stdout).toBe((await run("df", ["--output=size", remote])).stdout);
      await unlink(join(mount, "b"));
      expect((await readdir(mount)).sort()).toEqual(["d", "l"]);
    });
  },
);
