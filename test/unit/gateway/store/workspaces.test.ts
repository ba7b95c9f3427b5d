import { expect, test } from "vitest";
import type { Registration } from "../../../../gateway/directory.ts";
import { parseBrowserUrl } from "../../../../protocol/values/browser-url.ts";
import { parseFolder } from "../../../../protocol/values/folder.ts";
import type { WorkspaceId } from "../../../../protocol/values/id.ts";
import { newWorkspaceId, parseTokenId } from "../../../../protocol/values/id.ts";
import { parseName, parseWorkspaceRef } from "../../../../protocol/values/name.ts";
import { DAY, MINUTE, memoryStore } from "./memory-store.ts";

const code = (value: string) => expect.objectContaining({ code: value });

test("the same account and name give the same workspace", async () => {
  const { store, account, register } = await memoryStore();
  const ada = await account("ada");
  const first = await register(ada.identity, "box");
  const existing = await store.findRegistered(ada.identity, parseName("box"), null);
  expect(existing?.id).toBe(first.id);
  if (existing === undefined) throw new Error("not found");
  expect((await register(ada.identity, "box", { existing })).id).toBe(first.id);
});

test("a workspace's browser URL and folder are what its host named last", async () => {
  const { store, account, register } = await memoryStore();
  const ada = await account("ada");
  const named = { browserUrl: parseBrowserUrl("https://dev.example/"), folder: parseFolder("/srv") };
  const box = await register(ada.identity, "box", named);
  expect(await store.workspace(box.id)).toMatchObject(named);
  const other = { browserUrl: parseBrowserUrl("https://other.example/"), folder: null };
  expect(await register(ada.identity, "box", { existing: box, ...other })).toMatchObject(other);
  const none = { browserUrl: null, folder: null };
  expect(await register(ada.identity, "box", { existing: box })).toMatchObject(none);
});

test("two accounts can have different workspaces of the same name", async () => {
  const { store, account, register } = await memoryStore();
  const ada = await account("ada");
  const bob = await account("bob");
  const box = await register(ada.identity, "box");
  expect(await store.findRegistered(bob.identity, parseName("box"), null)).toBeUndefined();
  expect(await store.findRegistered(bob.identity, parseName("box"), box.id)).toBeUndefined();
  expect((await register(bob.identity, "box")).id).not.toBe(box.id);
});

test("a host finds its workspace again after it was renamed at the gateway", async () => {
  const { store, account, register, actor } = await memoryStore();
  const ada = await account("ada");
  const box = await register(ada.identity, "box");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  await store.workspaces.rename(owned, parseName("crate"), actor);
  const existing = await store.findRegistered(ada.identity, parseName("box"), box.id);
  expect(existing).toMatchObject({ id: box.id, name: "crate" });
  if (existing === undefined) throw new Error("not found");
  expect(await register(ada.identity, "box", { existing })).toMatchObject({ id: box.id, name: "crate" });
  expect(await store.findRegistered(ada.identity, parseName("other"), box.id)).toBeUndefined();
});

test("an accountless workspace is found only by its id, never by a name", async () => {
  const { store, account, register } = await memoryStore();
  const ada = await account("ada");
  const open = await register(null, "box");
  expect(open.owner).toBeNull();
  expect((await register(null, "box")).id).not.toBe(open.id);
  expect((await store.findRegistered(null, parseName("other"), open.id))?.id).toBe(open.id);
  expect(await store.findRegistered(null, parseName("box"), null)).toBeUndefined();
  expect(await store.findRegistered(ada.identity, parseName("box"), open.id)).toBeUndefined();
  expect((await store.resolveWorkspace(parseWorkspaceRef(open.id), null)).id).toBe(open.id);
  await expect(store.resolveWorkspace(parseWorkspaceRef("box"), null)).rejects.toEqual(
    code("workspace_unknown"),
  );
  await expect(store.resolveWorkspace(parseWorkspaceRef("box"), ada.identity)).rejects.toEqual(
    code("workspace_unknown"),
  );
  expect(await store.pushedKeys(open.id)).toEqual([]);
});

test("for a stranger the id of an account's workspace is refused with the same words as an unknown one", async () => {
  const { store, account, register } = await memoryStore();
  const ada = await account("ada");
  const bob = await account("bob");
  const box = await register(ada.identity, "box");
  const refusals = [];
  for (const [ref, identity] of [
    [box.id, null],
    [box.id, bob.identity],
    ["box.ada", bob.identity],
    ["box", bob.identity],
    [newWorkspaceId(), bob.identity],
  ] as const) {
    refusals.push(await store.resolveWorkspace(parseWorkspaceRef(ref), identity).catch(String));
  }
  expect(new Set(refusals).size).toBe(1);
  expect(refusals[0]).toContain("no such workspace");
});

test("a share opens a workspace by id and name.owner until it is withdrawn", async () => {
  const { store, account, register, actor, changes } = await memoryStore();
  const ada = await account("ada");
  const bob = await account("bob");
  const box = await register(ada.identity, "box");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  const share = await store.shares.add(owned, bob.name, actor);
  expect(await store.shares.add(owned, bob.name, actor)).toEqual(share);
  expect(await store.shares.list(owned)).toEqual([share]);
  await store.shares.accept(box.id, bob.id, actor);
  expect(await store.shares.list(owned)).toEqual([{ ...share, pending: false }]);
  for (const ref of [box.id, "box.ada"]) {
    expect((await store.resolveWorkspace(parseWorkspaceRef(ref), bob.identity)).id).toBe(box.id);
  }
  await expect(store.resolveWorkspace(parseWorkspaceRef("box"), bob.identity)).rejects.toEqual(
    code("workspace_unknown"),
  );
  await expect(store.workspaces.resolveOwned(parseWorkspaceRef("box.ada"), bob.identity)).rejects.toEqual(
    code("forbidden"),
  );
  expect(await store.workspaces.audience(box.id)).toEqual([ada.id, bob.id]);
  changes.length = 0;
  await store.shares.remove(owned, bob.name, actor);
  expect(changes[0]).toEqual({ kind: "share-removed", id: box.id, accountId: bob.id });
  await expect(store.resolveWorkspace(parseWorkspaceRef("box.ada"), bob.identity)).rejects.toEqual(
    code("workspace_unknown"),
  );
  await expect(store.shares.remove(owned, bob.name, actor)).rejects.toEqual(code("not_found"));
  await expect(store.shares.add(owned, ada.name, actor)).rejects.toEqual(code("bad_request"));
  await expect(store.shares.add(owned, parseName("nobody"), actor)).rejects.toEqual(code("not_found"));
});

test("renaming to a name that the account already uses is refused", async () => {
  const { store, account, register, actor } = await memoryStore();
  const ada = await account("ada");
  await register(ada.identity, "one");
  const two = await register(ada.identity, "two");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: two.id }, ada.identity);
  await expect(store.workspaces.rename(owned, parseName("one"), actor)).rejects.toEqual(code("name_taken"));
});

test("deleting a workspace deletes its shares and owner tokens", async () => {
  const { store, account, register, actor, changes } = await memoryStore();
  const ada = await account("ada");
  const box = await register(ada.identity, "box");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  const { token } = await store.ownerTokens.create(owned, 60, actor);
  await store.workspaces.remove(owned, actor);
  expect(changes.at(-1)).toEqual({ kind: "workspace-removed", id: box.id });
  await expect(store.authenticateOwnerToken(token)).rejects.toEqual(code("token_unknown"));
  await expect(store.workspaces.remove(owned, actor)).rejects.toEqual(code("workspace_unknown"));
});

test("registering a workspace that has just been deleted creates it again", async () => {
  const { store, account, register, actor } = await memoryStore();
  const ada = await account("ada");
  const box = await register(ada.identity, "box");
  await store.workspaces.remove(box, actor);
  const again = await register(ada.identity, "box", { existing: box });
  expect(again.id).not.toBe(box.id);
});

test("an owner token opens its workspace until it expires or is revoked, its host refuses it, or its owner is disabled", async () => {
  const { store, account, register, actor, changes, pass } = await memoryStore();
  const ada = await account("ada");
  const box = await register(ada.identity, "box");
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  const short = await store.ownerTokens.create(owned, 60, actor);
  const long = await store.ownerTokens.create(owned, 3600, actor);
  const grant = await store.authenticateOwnerToken(short.token);
  expect(grant).toEqual({
    workspaceId: box.id,
    ownerId: ada.identity.account.id,
    tokenId: short.info.id,
    expiresAt: new Date("2030-01-01T00:01:00Z"),
  });
  pass(MINUTE);
  await expect(store.authenticateOwnerToken(short.token)).rejects.toEqual(code("token_expired"));
  expect((await store.ownerTokens.list(owned)).map((info) => info.id)).toEqual([long.info.id]);

  await store.accounts.setDisabled(ada.id, true, actor);
  await expect(store.authenticateOwnerToken(long.token)).rejects.toEqual(code("account_disabled"));
  await store.accounts.setDisabled(ada.id, false, actor);

  await register(ada.identity, "box", { existing: box, ownerTokens: false });
  await expect(store.authenticateOwnerToken(long.token)).rejects.toEqual(code("forbidden"));
  const closed = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  await expect(store.ownerTokens.create(closed, 60, actor)).rejects.toEqual(code("forbidden"));
  await register(ada.identity, "box", { existing: box });

  await store.ownerTokens.revoke(owned, parseTokenId(long.info.id), actor);
  expect(changes.at(-1)).toEqual({ kind: "token-revoked", tokenId: parseTokenId(long.info.id) });
  await expect(store.authenticateOwnerToken(long.token)).rejects.toEqual(code("token_revoked"));
  await expect(store.authenticateOwnerToken(ada.token)).rejects.toEqual(code("bad_token"));
});

test("accountless workspaces are bounded, and pruned after a week unless they are online", async () => {
  const { store, account, register, changes, pass } = await memoryStore();
  const ada = await account("ada");
  const kept = await register(ada.identity, "mine");
  const online = await register(null, "online");
  const old = await register(null, "old");
  for (let i = 2; i < 1_000; i++) await register(null, `open-${i}`, { address: `192.0.2.${i >> 3}` });
  const isOnline = () => true;
  const last = register(null, "one-more", { address: "198.51.100.1", isOnline });
  await expect(last).rejects.toEqual(code("gateway_full"));
  pass(7 * DAY);
  await store.prune((id) => id === online.id);
  expect(await store.workspace(old.id)).toBeDefined();
  const young = await store.findRegistered(null, parseName("x"), old.id);
  if (young === undefined) throw new Error("pruned too early");
  await store.seen(old.id);
  pass(1);
  changes.length = 0;
  await store.prune((id) => id === online.id);
  expect(changes).toHaveLength(998);
  expect(await store.workspace(online.id)).toBeDefined();
  expect(await store.workspace(old.id)).toBeDefined();
  expect(await store.workspace(kept.id)).toBeDefined();
  await register(null, "room-again");
}, 20_000);

test("an account has at most 500 workspaces", async () => {
  const { account, register } = await memoryStore();
  const ada = await account("ada");
  for (let i = 0; i < 500; i++) await register(ada.identity, `w-${i}`);
  await expect(register(ada.identity, "one-more")).rejects.toEqual(code("limit_reached"));
}, 20_000);

test("the id of an accountless workspace, which is a secret, is not in the audit log", async () => {
  const { store, register, logLines } = await memoryStore();
  const open = await register(null, "box");
  store.audit({ event: "link.registered", workspace: open.id });
  const rows = await store.auditLog.list({ limit: 10 });
  expect(rows[0]?.workspace).toMatch(/^open-[0-9a-f]{12}$/);
  expect(logLines.join("") + JSON.stringify(rows)).not.toContain(open.id);
});

test("a listener that throws does not keep the others from hearing of a change", async () => {
  const { store, account, actor, changes } = await memoryStore();
  const ada = await account("ada");
  store.onChange(() => {
    throw new Error("broken");
  });
  const late: unknown[] = [];
  const end = store.onChange((change) => late.push(change));
  await store.tokens.revoke(ada.id, ada.tokenId, actor);
  expect(late).toHaveLength(1);
  end();
  await store.accounts.setDisabled(ada.id, true, actor);
  expect(late).toHaveLength(1);
  expect(changes.length).toBeGreaterThan(1);
});

test("an address has at most 50 accountless workspaces: the one that is offline for longest makes room", async () => {
  const { store, register, pass, changes } = await memoryStore();
  const made: WorkspaceId[] = [];
  const add = async (more: Partial<Registration> = {}) => {
    pass(1_000);
    const { id } = await register(null, `w${made.length}`, more);
    made.push(id);
    return id;
  };
  for (let i = 0; i < 50; i++) await add({ address: `2001:db8::${i}` });
  const other = await add({ address: "198.51.100.1" });
  const isOnline = (id: WorkspaceId) => id === made[0];
  await add({ address: "2001:db8::ffff", isOnline });
  expect(await store.workspace(made[0] as WorkspaceId)).toBeDefined();
  expect(await store.workspace(made[1] as WorkspaceId)).toBeUndefined();
  expect(changes).toContainEqual({ kind: "workspace-removed", id: made[1] });
  expect(await store.workspace(other)).toBeDefined();
  await expect(add({ address: "2001:db8::1", isOnline: () => true })).rejects.toEqual(code("limit_reached"));
});

test("when all slots are taken, the address that has most makes room", async () => {
  const { store, register, pass } = await memoryStore();
  const made: WorkspaceId[] = [];
  for (let i = 0; i < 1_000; i++) {
    pass(1_000);
    // One address has 50, others 25 each.
    const address = i < 50 ? "192.0.2.1" : `198.51.100.${Math.floor(i / 25)}`;
    made.push((await register(null, `w${i}`, { address })).id);
  }
  pass(1_000);
  const late = await register(null, "late", { address: "203.0.113.1" });
  expect(await store.workspace(late.id)).toBeDefined();
  expect(await store.workspace(made[0] as WorkspaceId)).toBeUndefined();
  expect(await store.workspace(made[50] as WorkspaceId)).toBeDefined();
  await expect(register(null, "full", { address: "203.0.113.1", isOnline: () => true })).rejects.toEqual(
    code("gateway_full"),
  );
});
