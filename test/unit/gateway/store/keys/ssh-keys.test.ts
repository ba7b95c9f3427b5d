import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { MAX_CONTROL_BYTES } from "../../../../../protocol/limits.ts";
import { parseKeyId } from "../../../../../protocol/values/id.ts";
import { parsePublicKey } from "../../../../../protocol/values/ssh-public-key.ts";
import { provedKey } from "../../../../support/ssh/register-key.ts";
import { ed25519, memoryStore } from "../memory-store.ts";

const code = (value: string) => expect.objectContaining({ code: value, field: "publicKey" });
const key = (fill: number) => parsePublicKey(ed25519(fill));

test("another account can add a removed key", async () => {
  const { store, account, actor } = await memoryStore();
  const ada = await account("ada");
  const bob = await account("bob");
  const added = await provedKey(store, ada.id, key(1), "laptop", actor);
  const [listed] = await store.keys.list(ada.id);
  expect(listed).toEqual({ ...added, fingerprint: key(1).fingerprint, publicKey: ed25519(1) });
  const id = parseKeyId(added.id);
  await expect(store.keys.remove(bob.id, id, actor)).rejects.toMatchObject({ code: "not_found" });
  await store.keys.remove(ada.id, id, actor);
  await provedKey(store, bob.id, key(1), "mine", actor);
});

test("a key with authorized_keys options is refused, since hosts would not get the options", async () => {
  const { store, account, actor } = await memoryStore();
  const ada = await account("ada");
  const restricted = parsePublicKey(`command="date" ${ed25519(1)}`);
  await expect(store.pendingKeys.add(ada.id, restricted, "", actor)).rejects.toEqual(code("bad_key"));
});

test("a host gets the keys of the owner and of accounts that the workspace is shared with, as they change", async () => {
  const { store, account, register, actor, changes } = await memoryStore();
  const ada = await account("ada");
  const bob = await account("bob");
  const box = await register(ada.identity, "box");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  await provedKey(store, bob.id, key(2), "", actor);
  expect(await store.pushedKeys(box.id)).toEqual([]);
  changes.length = 0;
  await store.shares.add(owned, bob.name, actor);
  await provedKey(store, ada.id, key(1), "", actor);
  // Bob has not accepted the offer, so the host does not get his key.
  expect(await store.pushedKeys(box.id)).toEqual([{ publicKey: ed25519(1), account: "ada" }]);
  await store.shares.accept(box.id, bob.id, actor);
  expect(changes.filter((change) => change.kind === "keys")).toEqual([
    { kind: "keys", workspaceIds: [box.id] },
    { kind: "keys", workspaceIds: [box.id] },
  ]);
  expect(await store.pushedKeys(box.id)).toEqual([
    { publicKey: ed25519(1), account: "ada" },
    { publicKey: ed25519(2), account: "bob" },
  ]);
  await store.accounts.setDisabled(bob.id, true, actor);
  expect(await store.pushedKeys(box.id)).toEqual([{ publicKey: ed25519(1), account: "ada" }]);
});

test("as many keys are pushed as fit into one control message", async () => {
  const { store, account, register, actor } = await memoryStore();
  const ada = await account("ada");
  const box = await register(ada.identity, "box");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  const large = largeRsaLine();
  for (let i = 0; i < 5; i++) {
    const other = await account(`other-${i}`);
    await store.shares.add(owned, other.name, actor);
    await store.shares.accept(box.id, other.id, actor);
    for (let j = 0; j < 80; j++) {
      await provedKey(store, other.id, parsePublicKey(large(i * 100 + j)), "", actor);
    }
  }
  const pushed = await store.pushedKeys(box.id);
  expect(pushed.length).toBeGreaterThan(50);
  expect(JSON.stringify({ type: "keys", keys: pushed }).length).toBeLessThan(MAX_CONTROL_BYTES);
}, 20_000);

test("an account has at most 100 keys", async () => {
  const { store, account, actor } = await memoryStore();
  const ada = await account("ada");
  for (let i = 0; i < 100; i++) await provedKey(store, ada.id, key(i), "", actor);
  await expect(provedKey(store, ada.id, key(100), "", actor)).rejects.toMatchObject({
    code: "limit_reached",
  });
});

/** RSA keys of 8192 bits, each with a different modulus. They cannot sign. */
function largeRsaLine(): (n: number) => string {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const exponent = Buffer.from(publicKey.export({ format: "jwk" }).e ?? "", "base64url");
  const string = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return (n) => {
    const modulus = Buffer.alloc(1025, 0x55);
    modulus.writeUInt32BE(n + 1, 500);
    modulus[0] = 0;
    const blob = Buffer.concat([string(Buffer.from("ssh-rsa")), string(exponent), string(modulus)]);
    return `ssh-rsa ${blob.toString("base64")}`;
  };
}

test("a key finds its account, even a disabled one, until it is removed, which is announced to live connections", async () => {
  const { store, account, actor, changes } = await memoryStore();
  const ada = await account("ada");
  const { fingerprint } = key(1);
  expect(await store.accountByKey(fingerprint)).toBeUndefined();
  const added = await provedKey(store, ada.id, key(1), "", actor);
  expect(await store.accountByKey(fingerprint)).toEqual({
    id: ada.id,
    name: "ada",
    disabled: false,
    keyFrozen: false,
  });
  await store.accounts.setDisabled(ada.id, true, actor);
  expect(await store.accountByKey(fingerprint)).toMatchObject({ disabled: true });
  expect(await store.accountByName(ada.name)).toEqual({ id: ada.id, name: "ada", disabled: true });
  await store.keys.remove(ada.id, parseKeyId(added.id), actor);
  expect(await store.accountByKey(fingerprint)).toBeUndefined();
  expect(changes).toContainEqual({ kind: "key-removed", accountId: ada.id, fingerprint });
});
