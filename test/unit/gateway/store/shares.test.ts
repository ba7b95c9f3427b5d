import { describe, expect, test } from "vitest";
import { parseWorkspaceRef } from "../../../../protocol/values/name.ts";
import { memoryStore } from "./memory-store.ts";

const code = (value: string) => expect.objectContaining({ code: value });

async function offered() {
  const world = await memoryStore();
  const { store, account, register, actor, changes } = world;
  const ada = await account("ada");
  const bob = await account("bob");
  const box = await register(ada.identity, "box");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  changes.length = 0;
  await store.shares.add(owned, bob.name, actor);
  return { ...world, ada, bob, box, owned };
}

describe("an offer", () => {
  test("is announced only to its account, and gives access and shows anything only once it is accepted", async () => {
    const { store, bob, box, actor, changes, ada } = await offered();
    expect(changes).toEqual([{ kind: "offers", accountId: bob.id }]);
    expect(await store.shares.with(bob.id)).toMatchObject([
      { id: box.id, name: "box", owner: "ada", pending: true },
    ]);
    expect(await store.shares.with(ada.id)).toEqual([]);
    expect(await store.shares.by(ada.id)).toMatchObject([
      { id: box.id, name: "box", account: "bob", pending: true, expiresAt: null },
    ]);
    expect(await store.shares.by(bob.id)).toEqual([]);
    expect(await store.workspaces.list(bob.id)).toEqual([]);
    expect(await store.workspaces.visible(box.id, bob.id)).toBeUndefined();
    expect(await store.workspaces.audience(box.id)).toEqual([ada.id]);
    for (const ref of [box.id, "box.ada"]) {
      await expect(store.resolveWorkspace(parseWorkspaceRef(ref), bob.identity)).rejects.toEqual(
        code("workspace_unknown"),
      );
    }
    await store.shares.accept(box.id, bob.id, actor);
    expect((await store.workspaces.list(bob.id)).map(({ id }) => id)).toEqual([box.id]);
    expect(await store.shares.with(bob.id, "pending")).toEqual([]);
    changes.length = 0;
    await store.shares.accept(box.id, bob.id, actor);
    expect(changes).toEqual([]);
  });

  test("is gone once it is declined or withdrawn or its workspace is deleted, and cannot be accepted then", async () => {
    const { store, bob, box, owned, actor, changes } = await offered();
    await store.shares.leave(box.id, bob.id, actor);
    await expect(store.shares.accept(box.id, bob.id, actor)).rejects.toEqual(code("not_found"));
    await expect(store.shares.leave(box.id, bob.id, actor)).rejects.toEqual(code("not_found"));
    await store.shares.add(owned, bob.name, actor);
    await store.shares.remove(owned, bob.name, actor);
    await expect(store.shares.accept(box.id, bob.id, actor)).rejects.toEqual(code("not_found"));
    await store.shares.add(owned, bob.name, actor);
    changes.length = 0;
    await store.workspaces.remove(owned, actor);
    expect(changes).toContainEqual({ kind: "offers", accountId: bob.id });
    expect(await store.shares.with(bob.id)).toEqual([]);
  });

  test("cannot be accepted by any other account", async () => {
    const { store, account, box, actor } = await offered();
    const eve = await account("eve");
    await expect(store.shares.accept(box.id, eve.id, actor)).rejects.toEqual(code("not_found"));
    await expect(store.shares.leave(box.id, eve.id, actor)).rejects.toEqual(code("not_found"));
  });
});

test("an account can leave a share, which is announced to its open connections", async () => {
  const { store, bob, box, actor, changes } = await offered();
  await store.shares.accept(box.id, bob.id, actor);
  changes.length = 0;
  await store.shares.leave(box.id, bob.id, actor);
  expect(changes).toEqual([
    { kind: "share-removed", id: box.id, accountId: bob.id },
    { kind: "keys", workspaceIds: [box.id] },
    { kind: "offers", accountId: bob.id },
  ]);
  expect(await store.workspaces.list(bob.id)).toEqual([]);
});

test("one owner can fill a fifth of the offers that may wait for an account, and all owners together the rest", async () => {
  const { store, account, register, actor } = await memoryStore();
  const bob = await account("bob");
  const offer = async (owner: Awaited<ReturnType<typeof account>>, name: string) => {
    const { id } = await register(owner.identity, name);
    const owned = await store.workspaces.resolveOwned({ kind: "id", id }, owner.identity);
    await store.shares.add(owned, bob.name, actor);
    return id;
  };
  const ada = await account("ada");
  for (let n = 0; n < 10; n++) await offer(ada, `box-${n}`);
  await expect(offer(ada, "box-10")).rejects.toEqual(code("limit_reached"));
  for (const name of ["b", "c", "d", "e"]) {
    const owner = await account(name);
    for (let n = 0; n < 10; n++) await offer(owner, `box-${n}`);
  }
  const late = await account("late");
  await expect(offer(late, "box")).rejects.toEqual(code("limit_reached"));
  const [first] = await store.shares.with(bob.id);
  await store.shares.accept(first?.id as never, bob.id, actor);
  await offer(late, "box-2");
});
