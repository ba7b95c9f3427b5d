// A database that cannot be written, for example because its disk is full: revocations take effect at once,
// and are written later.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompiledQuery, type Kysely } from "kysely";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DirectoryChange } from "../../../../gateway/directory-change.ts";
import type { Tables } from "../../../../gateway/store/database/schema.ts";
import { openDatabase, prepareDataDir } from "../../../../gateway/store/database/sqlite.ts";
import { Store } from "../../../../gateway/store/store.ts";
import { SCOPES } from "../../../../protocol/api.ts";
import { parseKeyId, parseTokenId } from "../../../../protocol/values/id.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import { provedKey } from "../../../support/ssh/register-key.ts";
import { ed25519 } from "./memory-store.ts";

const actor = { account: "test" };
let directory: string;
let db: Kysely<Tables>;
let store: Store;
let told: { change: DirectoryChange; durability: string }[];
const log: string[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-full-"));
  prepareDataDir(directory);
  db = openDatabase(directory);
  told = [];
  store = await Store.open(db, {
    log: pino({ level: "debug" }, { write: (line: string) => log.push(line) }),
    onOwnChange: (change, durability) => told.push({ change, durability }),
  });
});
afterEach(async () => {
  await room();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

/** From now on the database can only be read, as on a disk that is full or has become read-only. */
const full = () => db.executeQuery(CompiledQuery.raw("PRAGMA query_only = ON"));
const room = () => db.executeQuery(CompiledQuery.raw("PRAGMA query_only = OFF"));

async function people() {
  const make = async (name: string) => {
    const { id } = await store.accounts.create(parseName(name), false, null);
    const wanted = { accountId: id, title: "test", scopes: SCOPES, expiresInSeconds: null };
    const { token, info } = await store.tokens.create(wanted, actor);
    return { id, token, tokenId: parseTokenId(info.id), identity: await store.authenticate(token) };
  };
  const [ada, bob] = [await make("ada"), await make("bob")];
  const key = parsePublicKey(ed25519(1));
  await provedKey(store, bob.id, key);
  const box = await store.register({
    identity: ada.identity,
    address: "192.0.2.1",
    name: parseName("box"),
    existing: null,
    hostKeys: [ed25519(2)],
    endToEndOnly: false,
    ownerTokens: true,
    browserUrl: null,
    folder: null,
  });
  const owned = await store.workspaces.resolveOwned({ kind: "id", id: box.id }, ada.identity);
  await store.shares.add(owned, parseName("bob"), actor);
  await store.shares.accept(box.id, bob.id, actor);
  const owner = await store.ownerTokens.create(owned, 3_600, actor);
  return { ada, bob, key, box, owned, owner };
}

const code = (value: string) => expect.objectContaining({ code: value });

test("every kind of revocation takes effect at once, and is written once there is room again", async () => {
  const { ada, bob, key, box, owned, owner } = await people();
  await store.auditLog.flush();
  await full();
  // A token can still be checked, although its last use cannot be written.
  expect((await store.authenticate(ada.token)).account.name).toBe("ada");
  told = [];

  expect(await store.tokens.revoke(ada.id, ada.tokenId, actor)).toBe("pending");
  await expect(store.authenticate(ada.token)).rejects.toEqual(code("token_revoked"));
  await expect(store.tokens.revoke(ada.id, ada.tokenId, actor)).rejects.toEqual(code("not_found"));

  expect(await store.ownerTokens.revoke(owned, parseTokenId(owner.info.id), actor)).toBe("pending");
  await expect(store.authenticateOwnerToken(owner.token)).rejects.toEqual(code("token_revoked"));

  const ref = { kind: "id", id: box.id } as const;
  expect((await store.resolveWorkspace(ref, bob.identity)).id).toBe(box.id);
  expect(await store.shares.remove(owned, parseName("bob"), actor)).toBe("pending");
  await expect(store.resolveWorkspace(ref, bob.identity)).rejects.toEqual(code("workspace_unknown"));
  expect(await store.pushedKeys(box.id)).toEqual([]);
  expect(await store.workspaces.list(bob.id)).toEqual([]);
  expect(await store.shares.with(bob.id)).toEqual([]);
  expect(await store.shares.list(owned)).toEqual([]);

  const [listed] = await store.keys.list(bob.id);
  expect(await store.keys.remove(bob.id, listed?.id as never, actor)).toBe("pending");
  expect(await store.accountByKey(key.fingerprint)).toBeUndefined();
  expect(await store.keys.list(bob.id)).toEqual([]);

  expect(await store.accounts.setDisabled(bob.id, true, actor)).toMatchObject({
    durability: "pending",
    disabled: 1,
  });
  await expect(store.authenticate(bob.token)).rejects.toEqual(code("account_disabled"));

  expect(await store.workspaces.remove(owned, actor)).toBe("pending");
  expect(await store.workspace(box.id)).toBeUndefined();
  expect(await store.workspaces.list(ada.id)).toEqual([]);

  expect(store.unwritten.size).toBe(6);
  expect(log.join("")).toContain("A revocation is in effect but could not be written");
  expect(new Set(told.map(({ durability }) => durability))).toEqual(new Set(["pending"]));

  await room();
  await expect.poll(() => store.unwritten.size, { timeout: 60_000 }).toBe(0);
  const other = await Store.open(openDatabase(directory), { log: pino({ level: "silent" }) });
  await expect(other.authenticate(ada.token)).rejects.toEqual(code("token_revoked"));
  await expect(other.authenticate(bob.token)).rejects.toEqual(code("account_disabled"));
  expect(await other.accountByKey(key.fingerprint)).toBeUndefined();
  expect(await other.workspace(box.id)).toBeUndefined();
  await other.close();
});

test("a revocation outlives its process: a new process knows of it, and the primary writes it", async () => {
  const { ada, bob, key, box, owned, owner } = await people();
  await store.auditLog.flush();
  const heard: DirectoryChange[] = [];
  const silent = pino({ level: "silent" });
  const primary = await Store.open(openDatabase(directory), {
    log: silent,
    onOwnChange: (change, durability) => {
      if (durability === "written") heard.push(change);
    },
  });
  const [ended, alive] = [{}, {}];
  await full();
  told = [];
  expect(await store.tokens.revoke(ada.id, ada.tokenId, actor)).toBe("pending");
  expect(await store.ownerTokens.revoke(owned, parseTokenId(owner.info.id), actor)).toBe("pending");
  expect(await store.shares.remove(owned, parseName("bob"), actor)).toBe("pending");
  const [listed] = await store.keys.list(bob.id);
  expect(await store.keys.remove(bob.id, listed?.id as never, actor)).toBe("pending");
  expect(await store.workspaces.remove(owned, actor)).toBe("pending");
  for (const { change } of told.splice(0)) primary.follow(change, "pending", ended);
  expect(await store.accounts.setDisabled(bob.id, true, actor)).toMatchObject({ durability: "pending" });
  for (const { change } of told.splice(0)) primary.follow(change, "pending", alive);
  // This one no longer tries.
  store.unwritten.close();

  const started = await Store.open(openDatabase(directory), { log: silent, migrate: false });
  for (const change of primary.unwritten.all()) started.follow(change, "pending");
  await expect(started.authenticate(ada.token)).rejects.toEqual(code("token_revoked"));
  await expect(started.authenticate(bob.token)).rejects.toEqual(code("account_disabled"));
  await expect(started.authenticateOwnerToken(owner.token)).rejects.toEqual(code("token_revoked"));
  expect(await started.accountByKey(key.fingerprint)).toBeUndefined();
  expect(await started.workspace(box.id)).toBeUndefined();

  primary.unwritten.adopt(ended);
  // The other process has to disable Bob's account.
  await expect.poll(() => primary.unwritten.size, { timeout: 60_000 }).toBe(1);
  expect(new Set(heard.map(({ kind }) => kind))).toEqual(
    new Set(["token-revoked", "share-removed", "key-removed", "workspace-removed"]),
  );
  for (const change of heard) started.follow(change, "written");
  expect(started.unwritten.size).toBe(1);
  const later = await Store.open(openDatabase(directory), { log: silent });
  await expect(later.authenticate(ada.token)).rejects.toEqual(code("token_revoked"));
  expect((await later.authenticate(bob.token)).account.name).toBe("bob");
  expect(await later.accountByKey(key.fingerprint)).toBeUndefined();
  expect(await later.workspace(box.id)).toBeUndefined();
  const events = (await primary.auditLog.list({ limit: 100 })).map(({ event }) => event);
  for (const event of ["token.revoked", "owner-token.revoked", "key.removed", "workspace.removed"]) {
    expect(events).toContain(event);
  }
  primary.unwritten.adopt(alive);
  await expect.poll(() => primary.unwritten.size, { timeout: 60_000 }).toBe(0);
  await expect(later.authenticate(bob.token)).rejects.toEqual(code("account_disabled"));
  for (const each of [primary, started, later]) await each.close();
});

test("a revocation that is requested again while it waits is not tried more often", async () => {
  const { bob, box } = await people();
  await full();
  log.length = 0;
  for (let i = 0; i < 3; i++) expect(await store.shares.leave(box.id, bob.id, actor)).toBe("pending");
  expect(log.filter((line) => line.includes("could not be written"))).toHaveLength(1);
  await room();
  await expect.poll(() => store.unwritten.size, { timeout: 60_000 }).toBe(0);
  await store.auditLog.flush();
  const left = (await store.auditLog.list({ limit: 100 })).filter(({ event }) => event === "share.left");
  expect(left).toHaveLength(1);
});

test("another process enforces it too until it is written, and an account that is enabled again is admitted", async () => {
  const { bob } = await people();
  const other = await Store.open(openDatabase(directory), { log: pino({ level: "silent" }), migrate: false });
  const follow = () => {
    for (const { change, durability } of told.splice(0)) other.follow(change, durability as never);
  };
  told = [];
  await full();
  await store.accounts.setDisabled(bob.id, true, actor);
  follow();
  await expect(other.authenticate(bob.token)).rejects.toEqual(code("account_disabled"));
  await room();
  await store.accounts.setDisabled(bob.id, false, actor);
  follow();
  expect((await other.authenticate(bob.token)).account.name).toBe("bob");
  expect((await store.authenticate(bob.token)).account.name).toBe("bob");
  expect([store.unwritten.size, other.unwritten.size]).toEqual([0, 0]);
  await other.close();
});

test("freezing takes effect on a full disk, is written later by a process that is there, and can be taken back", async () => {
  const { ada, bob, key, box, owned } = await people();
  const [listed] = await store.keys.list(bob.id);
  const keyId = parseKeyId(listed?.id);
  const primary = await Store.open(openDatabase(directory), { log: pino({ level: "silent" }) });
  const ended = {};
  await store.auditLog.flush();
  await full();
  told = [];
  expect(await store.freezing.workspace(owned, actor)).toBe("pending");
  expect(await store.freezing.key(bob.id, keyId, actor)).toBe("pending");
  expect((await store.workspace(box.id))?.frozen).toBe(true);
  expect(await store.accountByKey(key.fingerprint)).toMatchObject({ keyFrozen: true });
  expect(await store.keys.list(bob.id)).toMatchObject([{ frozen: true }]);
  expect(await store.pushedKeys(box.id)).toEqual([]);
  expect(told.map(({ change }) => change.kind)).toEqual(["workspace-frozen", "key-frozen", "keys"]);
  for (const { change } of told.splice(0)) primary.follow(change, "pending", ended);
  store.unwritten.close();
  primary.unwritten.adopt(ended);
  await expect.poll(() => primary.unwritten.size, { timeout: 60_000 }).toBe(0);
  await room();
  const later = await Store.open(openDatabase(directory), { log: pino({ level: "silent" }) });
  expect((await later.workspace(box.id))?.frozen).toBe(true);
  expect(await later.accountByKey(key.fingerprint)).toMatchObject({ keyFrozen: true });
  await store.freezing.unfreezeWorkspace(owned, actor);
  await store.freezing.unfreezeKey(bob.id, keyId, actor);
  expect((await store.workspace(box.id))?.frozen).toBe(false);
  expect(await store.accountByKey(key.fingerprint)).toMatchObject({ keyFrozen: false });
  expect(await store.pushedKeys(box.id)).toHaveLength(1);
  await expect(store.freezing.key(ada.id, keyId, actor)).rejects.toEqual(code("not_found"));
  for (const each of [primary, later]) await each.close();
});

test("a share that is over ends on a full disk too", async () => {
  const { bob, box, owned } = await people();
  const end = new Date(Date.now() + 300);
  await store.shares.add(owned, parseName("bob"), actor, end);
  await store.auditLog.flush();
  await full();
  await expect.poll(() => Date.now()).toBeGreaterThan(end.getTime());
  const ref = { kind: "id", id: box.id } as const;
  await expect(store.resolveWorkspace(ref, bob.identity)).rejects.toEqual(code("workspace_unknown"));
  told = [];
  await store.shares.endExpired();
  expect(told[0]).toMatchObject({
    change: { kind: "share-removed", accountId: bob.id },
    durability: "pending",
  });
  await room();
  await expect.poll(() => store.unwritten.size, { timeout: 60_000 }).toBe(0);
  expect(await store.shares.list(owned)).toEqual([]);
});
