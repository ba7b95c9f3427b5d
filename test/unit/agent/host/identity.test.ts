import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadIdentity } from "../../../../agent/host/identity.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-identity-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("an identity is made once, is readable for its owner only, and stays the same", async () => {
  const state = join(directory, "state");
  const first = await loadIdentity(state);
  expect((await loadIdentity(state)).publicKey.blob).toBe(first.publicKey.blob);
  expect(statSync(state).mode & 0o777).toBe(0o700);
  expect(statSync(join(state, "ssh_host_ed25519_key")).mode & 0o777).toBe(0o600);
});

test("an identity also has an ECDSA and an RSA key, which OpenSSH reads and which existing directories get", async () => {
  const state = join(directory, "state");
  const first = await loadIdentity(state);
  const types = ["ecdsa-sha2-nistp256", "ssh-rsa"];
  expect(first.furtherKeys.map(({ publicKey }) => publicKey.type)).toEqual(types);
  for (const [index, kind] of ["ecdsa", "rsa"].entries()) {
    const file = join(state, `ssh_host_${kind}_key`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const shown = execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" });
    expect(parsePublicKey(shown).blob).toBe(first.furtherKeys[index]?.publicKey.blob);
    rmSync(file);
  }
  const before = await loadIdentity(state);
  expect(before.publicKey).toEqual(first.publicKey);
  expect(before.furtherKeys.map(({ publicKey }) => publicKey.type)).toEqual(types);
  expect(before.furtherKeys[0]?.publicKey.blob).not.toBe(first.furtherKeys[0]?.publicKey.blob);
  expect((await loadIdentity(state)).furtherKeys[1]?.publicKey).toEqual(before.furtherKeys[1]?.publicKey);
});

test("an identity's RSA key is made without blocking the event loop", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const from = performance.now();
  await loadIdentity(join(directory, "state"));
  clearInterval(timer);
  // If it were made on the event loop, there would be only a few.
  expect(turns).toBeGreaterThan((performance.now() - from) / 20);
});

test.skipIf(process.getuid?.() === 0)(
  "an identity has its first key alone where the directory cannot be written to",
  async () => {
    const state = join(directory, "state");
    await loadIdentity(state);
    for (const kind of ["ecdsa", "rsa"]) rmSync(join(state, `ssh_host_${kind}_key`));
    chmodSync(state, 0o500);
    const { furtherKeys, warnings } = await loadIdentity(state);
    chmodSync(state, 0o700);
    expect(furtherKeys).toEqual([]);
    expect(warnings).toEqual([
      expect.stringContaining("no ecdsa host key"),
      expect.stringContaining("no rsa host key"),
    ]);
  },
);

test.skipIf(process.platform === "win32")(
  "an identity has its first key alone where no other can be made, and no half-made file stays",
  async () => {
    const made = join(directory, "made");
    await loadIdentity(made);
    // The first key's name fits into the longest path that there is; what the others would be written as does not.
    const longest = process.platform === "darwin" ? 1_023 : 4_095;
    let state = directory;
    for (let left = longest - "/ssh_host_ed25519_key".length - state.length; left > 1; ) {
      // No part is longer than 200, and none is so short that nothing fits behind its slash.
      const part = "x".repeat(left > 202 ? 200 : left - 1);
      state = join(state, part);
      left -= part.length + 1;
    }
    mkdirSync(state, { recursive: true, mode: 0o700 });
    copyFileSync(join(made, "ssh_host_ed25519_key"), join(state, "ssh_host_ed25519_key"));
    const { furtherKeys, warnings } = await loadIdentity(state);
    expect([furtherKeys, warnings]).toEqual([[], Array(2).fill(expect.stringContaining("(ENAMETOOLONG)"))]);
    expect(readdirSync(state)).toEqual(["ssh_host_ed25519_key"]);
  },
);

test("an identity is made although a killed start has left a file with the same process id", async () => {
  const state = join(directory, "state");
  mkdirSync(state, { mode: 0o700 });
  for (const kind of ["ed25519", "ecdsa", "rsa"]) {
    writeFileSync(join(state, `ssh_host_${kind}_key.${process.pid}`), "", { mode: 0o600 });
  }
  expect((await loadIdentity(state)).furtherKeys).toHaveLength(2);
});

test("an identity is refused in a directory that others may write to, since the key could be theirs", async () => {
  const state = join(directory, "state");
  mkdirSync(state);
  chmodSync(state, 0o777);
  await expect(loadIdentity(state)).rejects.toMatchObject({ stage: "file", code: "loose_mode" });
});

test("an identity is refused where others may read its key file", async () => {
  const state = join(directory, "state");
  await loadIdentity(state);
  chmodSync(join(state, "ssh_host_ed25519_key"), 0o644);
  await expect(loadIdentity(state)).rejects.toMatchObject({ stage: "file", code: "loose_mode" });
});
