import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadIdentity } from "../../../../agent/host/identity.ts";
import { parsePublicKey } from "../../../../protocol/ssh-public-key.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-identity-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("is made once, for its owner's eyes only, and is the same from then on", async () => {
  const state = join(directory, "state");
  const first = await loadIdentity(state);
  expect((await loadIdentity(state)).publicKey.blob).toBe(first.publicKey.blob);
  expect(statSync(state).mode & 0o777).toBe(0o700);
  expect(statSync(join(state, "ssh_host_ed25519_key")).mode & 0o777).toBe(0o600);
});

test("has an ECDSA and an RSA key too, which OpenSSH reads, and a directory of before gets them", async () => {
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

test("makes its RSA key beside the event loop", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const from = performance.now();
  await loadIdentity(join(directory, "state"));
  clearInterval(timer);
  // Were it made on the event loop, there would be a handful.
  expect(turns).toBeGreaterThan((performance.now() - from) / 20);
});

test.skipIf(process.getuid?.() === 0)(
  "does with its first key where the directory cannot be written to",
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

test("is not taken from a directory that others may write to: the key could be theirs", async () => {
  const state = join(directory, "state");
  mkdirSync(state);
  chmodSync(state, 0o777);
  await expect(loadIdentity(state)).rejects.toMatchObject({ stage: "file", code: "loose_mode" });
});

test("is not taken from a key file that others may read", async () => {
  const state = join(directory, "state");
  await loadIdentity(state);
  chmodSync(join(state, "ssh_host_ed25519_key"), 0o644);
  await expect(loadIdentity(state)).rejects.toMatchObject({ stage: "file", code: "loose_mode" });
});
