import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  activateHostKeys,
  announceHostKeys,
  forgetFormerHostKeys,
} from "../../../../gateway/host-keys/host-key-rotation.ts";
import { loadHostKeys } from "../../../../gateway/host-keys/host-keys.ts";

let dir: string;
const now = new Date("2030-01-02T03:04:05Z");
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sallyport-rotation-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("keys are next, then active, then former, and are then deleted", async () => {
  const first = await loadHostKeys(dir);
  expect(first).toMatchObject({ next: null, former: null });

  const { keys: announced, state } = await announceHostKeys(dir, now);
  expect(state.nextSince).toBe(now.toISOString());
  expect(announced.publicKeys).toEqual(first.publicKeys);
  expect(announced.next?.publicKeys).toHaveLength(3);
  expect(announced.next?.publicKeys).not.toEqual(first.publicKeys);
  expect(await loadHostKeys(dir)).toEqual(announced);

  const { keys: activated } = await activateHostKeys(dir);
  expect(activated.publicKeys).toEqual(announced.next?.publicKeys);
  expect(activated.next).toBeNull();
  expect(activated.former?.publicKeys).toEqual(first.publicKeys);

  const { keys: alone } = await forgetFormerHostKeys(dir);
  expect(alone).toEqual({ ...activated, former: null });
  expect(readdirSync(join(dir, "host-keys")).filter((name) => name !== "state.json")).toHaveLength(1);
});

test("a second rotation deletes the former keys of the first", async () => {
  await loadHostKeys(dir);
  await announceHostKeys(dir, now);
  await activateHostKeys(dir);
  const { keys } = await announceHostKeys(dir, now);
  expect(keys.former).toBeNull();
  await activateHostKeys(dir);
  // The active set, the former one, and the state.
  expect(readdirSync(join(dir, "host-keys"))).toHaveLength(3);
});

test("only the owner can read the files", async () => {
  await loadHostKeys(dir);
  await announceHostKeys(dir, now);
  for (const name of readdirSync(join(dir, "host-keys"), { recursive: true, encoding: "utf8" })) {
    const { mode } = statSync(join(dir, "host-keys", name));
    expect(mode & 0o077, name).toBe(0);
  }
});

test("only announced keys can be activated, and none are announced twice", async () => {
  await loadHostKeys(dir);
  await expect(activateHostKeys(dir)).rejects.toThrow(/no new host keys/);
  const { keys } = await announceHostKeys(dir, now);
  await expect(announceHostKeys(dir, now)).rejects.toThrow(/announced since 2030-01-02.*--activate/);
  expect(await loadHostKeys(dir)).toEqual(keys);
});

test("a damaged state file stops the start, so that no set is mistaken for another", async () => {
  await loadHostKeys(dir);
  for (const text of ["{", '{"version":1,"active":"../../..","next":null,"nextSince":null,"former":null}']) {
    writeFileSync(join(dir, "host-keys", "state.json"), text);
    await expect(loadHostKeys(dir)).rejects.toThrow(/state\.json/);
  }
});
