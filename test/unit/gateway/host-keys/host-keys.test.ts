import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadHostKeys } from "../../../../gateway/host-keys/host-keys.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sallyport-keys-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("keys are made once, only their owner can read them, and OpenSSH and ssh2 agree on them", async () => {
  const made = await loadHostKeys(dir);
  expect(await loadHostKeys(dir)).toEqual(made);
  expect(made.publicKeys.map((line) => line.split(" ")[0])).toEqual([
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
  ]);
  expect(readdirSync(dir)).toEqual(["host-keys"]);
  const files = ["ssh_host_ed25519_key", "ssh_host_rsa_key", "ssh_host_ecdsa_key"];
  for (const [index, file] of files.entries()) {
    const path = join(dir, "host-keys", file);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const shown = execFileSync("ssh-keygen", ["-y", "-f", path], { encoding: "utf8" }).trim();
    expect(shown.split(" ").slice(0, 2).join(" ")).toBe(made.publicKeys[index]);
    const parsed = ssh2.utils.parseKey(made.privateKeys[index] ?? "");
    if (parsed instanceof Error) throw parsed;
    const signature = parsed.sign(Buffer.from("data"));
    expect(parsed.verify(Buffer.from("data"), signature)).toBe(true);
  }
});

test("a directory of an earlier version gets an ECDSA key, once, and its other keys stay as they are", async () => {
  const made = await loadHostKeys(dir);
  const path = join(dir, "host-keys", "ssh_host_ecdsa_key");
  rmSync(path);
  rmSync(`${path}.pub`);
  // Several workers may start with it at the same time.
  const [first, ...others] = await Promise.all([loadHostKeys(dir), loadHostKeys(dir), loadHostKeys(dir)]);
  for (const other of others) expect(other).toEqual(first);
  expect(first?.publicKeys.slice(0, 2)).toEqual(made.publicKeys.slice(0, 2));
  expect(first?.publicKeys[2]).not.toBe(made.publicKeys[2]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await loadHostKeys(dir)).toEqual(first);
  // A key that was lost is not replaced.
  rmSync(path);
  await expect(loadHostKeys(dir)).rejects.toThrow(/ssh_host_ecdsa_key can't be read \(ENOENT/);
});

test("a damaged or missing key stops the start and is not replaced", async () => {
  await loadHostKeys(dir);
  const path = join(dir, "host-keys", "ssh_host_ed25519_key");
  writeFileSync(path, "damaged");
  await expect(loadHostKeys(dir)).rejects.toThrow(/ssh_host_ed25519_key is damaged/);
  expect(readFileSync(path, "utf8")).toBe("damaged");
  rmSync(path);
  await expect(loadHostKeys(dir)).rejects.toThrow(/can't be read \(ENOENT/);
});

test.each([0o640, 0o604, 0o660])(
  "a key that others could have read (%o) stops the start, as with sshd",
  async (mode) => {
    await loadHostKeys(dir);
    const path = join(dir, "host-keys", "ssh_host_ed25519_key");
    chmodSync(path, mode);
    await expect(loadHostKeys(dir)).rejects.toThrow(
      /ssh_host_ed25519_key is open to other users: run `chmod 600/,
    );
    chmodSync(path, 0o400);
    await loadHostKeys(dir);
  },
);

test("keys in a directory that others may write to stop the start", async () => {
  await loadHostKeys(dir);
  chmodSync(join(dir, "host-keys"), 0o770);
  await expect(loadHostKeys(dir)).rejects.toThrow(/host-keys can be changed by other users/);
});
