import { expect, test } from "vitest";
import { PROOF_CODE_PATTERN } from "../../../../../protocol/key-proof.ts";
import { parseKeyId } from "../../../../../protocol/values/id.ts";
import { parsePublicKey } from "../../../../../protocol/values/ssh-public-key.ts";
import { provedKey } from "../../../../support/ssh/register-key.ts";
import { DAY, ed25519, MINUTE, memoryStore } from "../memory-store.ts";

const key = (fill: number) => parsePublicKey(ed25519(fill));
/** A different key for each number. */
const distinct = (n: number) => {
  const blob = Buffer.from(key(0).blob, "base64");
  blob.writeUInt32BE(n, blob.length - 4);
  return parsePublicKey(`ssh-ed25519 ${blob.toString("base64")}`);
};
const isProof = () => true;

test("a pending key opens nothing, is pushed to no host, and keeps nobody else from adding it", async () => {
  const { store, account, register, actor, changes } = await memoryStore();
  const [ada, bob] = [await account("ada"), await account("bob")];
  const box = await register(ada.identity, "box");
  changes.length = 0;
  const named = await store.pendingKeys.add(ada.id, key(1), "laptop", actor);
  expect(named).toMatchObject({
    title: "laptop",
    code: expect.stringMatching(new RegExp(PROOF_CODE_PATTERN)),
  });
  expect(await store.accountByKey(key(1).fingerprint)).toBeUndefined();
  expect(await store.pushedKeys(box.id)).toEqual([]);
  expect(await store.keys.list(ada.id)).toEqual([]);
  expect(changes).toEqual([]);
  const too = await store.pendingKeys.add(bob.id, key(1), "mine", actor);
  expect(Object.keys(too)).toEqual(Object.keys(named));
  expect(await store.pendingKeys.list(ada.id)).toMatchObject([{ id: named.id }]);
  expect(await store.pendingKeys.list(bob.id)).toMatchObject([{ id: too.id }]);
});

test("adding a key that another account has proved is answered like adding any other key", async () => {
  const { store, account, actor } = await memoryStore();
  const [ada, bob] = [await account("ada"), await account("bob")];
  await provedKey(store, ada.id, key(1));
  const taken = await store.pendingKeys.add(bob.id, key(1), "", actor);
  const free = await store.pendingKeys.add(bob.id, key(2), "", actor);
  expect(Object.keys(taken)).toEqual(Object.keys(free));
  // After a proof the refusal says that the key is taken, but not by whom.
  const refusal = await store.pendingKeys
    .confirm(key(1).fingerprint, taken.code, undefined)
    .catch((error: Error) => error);
  expect(refusal).toMatchObject({ code: "key_taken" });
  expect(String(refusal)).not.toContain("ada");
  expect(await store.accountByKey(key(1).fingerprint)).toMatchObject({ id: ada.id });
  await expect(store.pendingKeys.add(ada.id, key(1), "", actor)).rejects.toMatchObject({ code: "key_taken" });
});

test("of two proofs at the same time only one counts, for two accounts or for one", async () => {
  const { store, account, actor } = await memoryStore();
  const [ada, bob] = [await account("ada"), await account("bob")];
  const of = async ({ id }: { id: typeof ada.id }, fill: number) => {
    const named = await store.pendingKeys.add(id, key(fill), "", actor);
    return { account: id, id: parseKeyId(named.id), code: named.code };
  };
  const [a, b] = [await of(ada, 1), await of(bob, 1)];
  const proofs = [a, b].map(({ account: owner, id }) => store.pendingKeys.prove(owner, id, isProof, actor));
  const results = await Promise.allSettled(proofs);
  expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  const owners = [...(await store.keys.list(ada.id)), ...(await store.keys.list(bob.id))];
  expect(owners).toHaveLength(1);

  const one = await of(ada, 2);
  const twice = await Promise.allSettled([
    store.pendingKeys.prove(one.account, one.id, isProof, actor),
    store.pendingKeys.prove(one.account, one.id, isProof, actor),
    store.pendingKeys.confirm(key(2).fingerprint, one.code, undefined),
  ]);
  expect(twice.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await store.pendingKeys.list(ada.id)).toEqual([]);
});

test("a nonce is valid once and for ten minutes; adding the key again gives a new nonce and the same code", async () => {
  const { store, account, actor, pass } = await memoryStore();
  const ada = await account("ada");
  const first = await store.pendingKeys.add(ada.id, key(1), "", actor);
  const id = parseKeyId(first.id);
  const seen: string[] = [];
  const fails = ({ nonce }: { nonce: string }) => {
    seen.push(nonce);
    return false;
  };
  const prove = (check: typeof fails) => store.pendingKeys.prove(ada.id, id, check, actor);
  await expect(prove(fails)).rejects.toMatchObject({ code: "bad_proof" });
  await expect(prove(() => true)).rejects.toMatchObject({ code: "bad_proof" });
  const second = await store.pendingKeys.add(ada.id, key(1), "again", actor);
  expect(second).toMatchObject({ id: first.id, code: first.code, title: "again" });
  expect(second.nonce).not.toBe(first.nonce);
  expect(seen).toEqual([first.nonce]);
  pass(10 * MINUTE);
  await expect(prove(() => true)).rejects.toMatchObject({ code: "bad_proof" });
  await store.pendingKeys.add(ada.id, key(1), "", actor);
  expect(await prove(() => true)).toMatchObject({ id: first.id, fingerprint: key(1).fingerprint });
});

test("an account has at most 20 pending keys, and a pending key is forgotten after a week", async () => {
  const { store, account, actor, pass } = await memoryStore();
  const [ada, bob] = [await account("ada"), await account("bob")];
  const results = await Promise.allSettled(
    Array.from({ length: 1_000 }, (_, fill) => {
      const many = distinct(fill);
      return store.pendingKeys.add(ada.id, many, "", actor);
    }),
  );
  expect(results.filter(({ status }) => status === "rejected")).toHaveLength(980);
  expect(await store.pendingKeys.list(ada.id)).toHaveLength(20);
  await store.pendingKeys.add(bob.id, key(1), "", actor);
  pass(7 * DAY);
  expect(await store.pendingKeys.list(ada.id)).toEqual([]);
  expect(await store.isNamedKey(key(1).fingerprint)).toBe(false);
  await store.pendingKeys.add(ada.id, key(1), "", actor);
  expect(await store.pendingKeys.list(ada.id)).toHaveLength(1);
  await store.prune(() => true);
  expect(await store.pendingKeys.list(bob.id)).toEqual([]);
});

test("another account's pending key can't be proved or removed, and a code is valid only for its key and account", async () => {
  const { store, account, actor } = await memoryStore();
  const [ada, bob] = [await account("ada"), await account("bob")];
  const named = await store.pendingKeys.add(ada.id, key(1), "", actor);
  const other = await store.pendingKeys.add(ada.id, key(2), "", actor);
  const id = parseKeyId(named.id);
  await expect(store.pendingKeys.prove(bob.id, id, isProof, actor)).rejects.toMatchObject({
    code: "not_found",
  });
  await expect(store.pendingKeys.remove(bob.id, id, actor)).rejects.toMatchObject({ code: "not_found" });
  const { fingerprint } = key(1);
  for (const code of [other.code, named.code.replace("ada", "bob"), `${named.code}9`, "ada/", "", "/"]) {
    await expect(store.pendingKeys.confirm(fingerprint, code, undefined)).rejects.toMatchObject({
      code: "bad_proof",
    });
  }
  // As people type it: in small letters, without the hyphen, with spaces around it.
  const typed = ` Ada/${named.code.slice(4).toLowerCase().replace("-", "")} `;
  expect(await store.pendingKeys.confirm(fingerprint, typed, undefined)).toBe("ada");
  await store.pendingKeys.remove(ada.id, parseKeyId(other.id), actor);
  expect(await store.pendingKeys.list(ada.id)).toEqual([]);
});

test("a disabled account gets no key", async () => {
  const { store, account, actor } = await memoryStore();
  const ada = await account("ada");
  const { code } = await store.pendingKeys.add(ada.id, key(1), "", actor);
  await store.accounts.setDisabled(ada.id, true, actor);
  await expect(store.pendingKeys.confirm(key(1).fingerprint, code, undefined)).rejects.toMatchObject({
    code: "account_disabled",
  });
});
