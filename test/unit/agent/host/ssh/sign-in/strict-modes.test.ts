import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readKeysFile } from "../../../../../../agent/host/ssh/sign-in/authorized-keys-file.ts";
import { looseModes, modesAbove } from "../../../../../../agent/host/ssh/sign-in/strict-modes.ts";

let base: string;
let home: string;
let file: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "strict-modes-")));
  home = join(base, "home");
  file = join(home, ".ssh", "authorized_keys");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, "", { mode: 0o600 });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const uid = process.getuid?.() ?? 0;
const check = (path = file) => looseModes(path, statSync(path), { home });

describe("an authorized_keys file is used", () => {
  test.each([0o600, 0o644, 0o640, 0o444])("with mode %o", async (mode) => {
    chmodSync(file, mode);
    expect(await check()).toBeUndefined();
  });

  test("where only what is above the home directory is open to others", async () => {
    chmodSync(base, 0o777);
    expect(await check()).toBeUndefined();
  });

  test("where it is root's, or this user's", async () => {
    for (const owner of [0, uid]) {
      expect(await looseModes(file, { uid: owner, mode: 0o100_600 }, { home })).toBeUndefined();
    }
  });

  test("in a sticky directory, where users replace only their own files", async () => {
    chmodSync(dirname(file), 0o1777);
    expect(await check()).toBeUndefined();
  });
});

describe("an authorized_keys file is not used, and the message says what to do", () => {
  test.each([0o620, 0o602, 0o666])("where others may write to it: %o", async (mode) => {
    chmodSync(file, mode);
    expect(await check()).toContain("Run `chmod go-w` on it.");
  });

  test.each([0o770, 0o703, 0o777])("where others may write to its directory: %o", async (mode) => {
    chmodSync(dirname(file), mode);
    expect(await check()).toContain(`Others may write to ${dirname(file)}`);
  });

  test("where others may write to the home directory itself", async () => {
    chmodSync(home, 0o775);
    expect(await check()).toContain(`Others may write to ${home}`);
  });

  test("where it is somebody else's", async () => {
    expect(await looseModes(file, { uid: uid + 4242, mode: 0o100_600 }, { home })).toContain(
      `It belongs to user ${uid + 4242}`,
    );
  });

  test.skipIf(uid !== 0)("where its directory is somebody else's", async () => {
    chownSync(dirname(file), 4242, 4242);
    expect(await check()).toContain(`${dirname(file)} belongs to user 4242`);
  });

  test("where it is behind a link, because of a directory above the file that the link leads to", async () => {
    const open = join(base, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    writeFileSync(join(open, "keys"), "", { mode: 0o600 });
    symlinkSync(join(open, "keys"), join(home, "keys"));
    expect(await check(join(home, "keys"))).toContain(`Others may write to ${open}`);
  });

  test("outside the home directory, because of any directory up to the root", async () => {
    const elsewhere = join(base, "elsewhere");
    mkdirSync(join(elsewhere, "inner"), { recursive: true, mode: 0o700 });
    writeFileSync(join(elsewhere, "inner", "keys"), "", { mode: 0o600 });
    chmodSync(elsewhere, 0o777);
    expect(await check(join(elsewhere, "inner", "keys"))).toContain(`Others may write to ${elsewhere}`);
  });
});

test("none of its keys is read, and the problem is told", async () => {
  const open = join(base, "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  const keys = join(open, "keys");
  const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqSbUw1JamWFeKZSec3XarbFzU+qD+eGnqjuKUsR8f+";
  writeFileSync(keys, `${line}\n`, { mode: 0o600 });
  const { entries, problems } = await readKeysFile(keys, false);
  expect(entries.size).toBe(0);
  expect(problems).toEqual([
    { file: keys, line: undefined, message: expect.stringContaining(`Others may write to ${open}`) },
  ]);
  chmodSync(open, 0o755);
  expect((await readKeysFile(keys, false)).entries.size).toBe(1);
});

test("watchers notice a change of a directory's mode", async () => {
  const before = await modesAbove(file, home);
  expect(await modesAbove(file, home)).toBe(before);
  chmodSync(dirname(file), 0o770);
  expect(await modesAbove(file, home)).not.toBe(before);
  expect(await modesAbove(join(home, "missing"), home)).toBe("ENOENT");
});
