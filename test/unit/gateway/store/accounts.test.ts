import { expect, test } from "vitest";
import { newAccountId } from "../../../../protocol/values/id.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { memoryStore } from "./memory-store.ts";

const code = (value: string) => expect.objectContaining({ code: value });

test("an account's name can be used only once", async () => {
  const { store, account } = await memoryStore();
  await account("ada");
  await expect(store.accounts.create(parseName("ada"), false, null)).rejects.toEqual(
    expect.objectContaining({ code: "name_taken", field: "name" }),
  );
  expect((await store.accounts.list()).map((row) => row.name)).toEqual(["ada"]);
});

test("the last enabled administrator can't be disabled", async () => {
  const { store, account, actor } = await memoryStore();
  const root = await account("root", { admin: true });
  const other = await account("other", { admin: true });
  await store.accounts.setDisabled(other.id, true, actor);
  await expect(store.accounts.setDisabled(root.id, true, actor)).rejects.toEqual(code("forbidden"));
  await store.authenticate(root.token);
  await expect(store.accounts.setDisabled(newAccountId(), true, actor)).rejects.toEqual(code("not_found"));
});

test("disabling is announced to live connections, and removes the account's keys from every host", async () => {
  const { store, account, register, actor, changes } = await memoryStore();
  const ada = await account("ada");
  const bob = await account("bob");
  const box = await register(ada.identity, "box");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  await store.shares.add(owned, bob.name, actor);
  await store.shares.accept(box.id, bob.id, actor);
  changes.length = 0;
  await store.accounts.setDisabled(bob.id, true, actor);
  expect(changes).toEqual([
    { kind: "account-disabled", accountId: bob.id },
    { kind: "keys", workspaceIds: [box.id] },
  ]);
  changes.length = 0;
  await store.accounts.setDisabled(bob.id, true, actor);
  expect(changes).toEqual([]);
});
