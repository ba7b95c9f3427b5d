import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadIdentity } from "../../../../agent/host/identity.ts";

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
