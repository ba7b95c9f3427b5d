import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompiledQuery } from "kysely";
import { pino } from "pino";
import { Check } from "typebox/value";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DirectoryChange } from "../../../../gateway/directory-change.ts";
import { migrate } from "../../../../gateway/store/database/migrations.ts";
import { lockDataDir, openDatabase, prepareDataDir } from "../../../../gateway/store/database/sqlite.ts";
import { Store } from "../../../../gateway/store/store.ts";
import { AccessTokenInfo, Key } from "../../../../protocol/api.ts";
import { newAccountId, newKeyId, newTokenId, newWorkspaceId } from "../../../../protocol/values/id.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { parsePublicKey } from "../../../../protocol/values/ssh-public-key.ts";
import { hashToken, newAccessToken } from "../../../../protocol/values/token.ts";
import { provedKey } from "../../../support/ssh/register-key.ts";
import { ed25519 } from "./memory-store.ts";

const log = pino({ level: "silent" });
const mode = (path: string) => statSync(path).mode & 0o777;
let root: string;
let dir: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sallyport-store-"));
  dir = join(root, "data");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("only the owner can read the data directory and everything in it, whatever the umask", async () => {
  const umask = process.umask(0);
  try {
    prepareDataDir(dir);
    const lock = lockDataDir(dir);
    const store = await Store.open(openDatabase(dir), { log });
    expect(mode(dir)).toBe(0o700);
    const files = readdirSync(dir);
    expect(files).toContain("gateway.db-wal");
    for (const file of files) expect([file, mode(join(dir, file))]).toEqual([file, 0o600]);
    await store.close();
    lock.release();
  } finally {
    process.umask(umask);
  }
});

test("an empty directory is closed to others; one with somebody else's files keeps its mode", () => {
  mkdirSync(dir);
  chmodSync(dir, 0o755);
  prepareDataDir(dir);
  expect(mode(dir)).toBe(0o700);
  const used = join(root, "used");
  mkdirSync(used);
  chmodSync(used, 0o755);
  writeFileSync(join(used, "theirs"), "");
  prepareDataDir(used);
  expect(mode(used)).toBe(0o755);
});

test.each([0o775, 0o757, 0o777])("a directory that others may write to (%o) is refused", (loose) => {
  mkdirSync(dir);
  writeFileSync(join(dir, "theirs"), "");
  chmodSync(dir, loose);
  expect(() => prepareDataDir(dir)).toThrow(/data can be changed by other users: run `chmod go-w .*data`/);
});

/** Makes a database as a version left it whose last migration was this one. */
async function writtenBefore(step: string, ...statements: readonly string[]): Promise<void> {
  prepareDataDir(dir);
  const db = openDatabase(dir);
  await migrate(db, step);
  for (const statement of statements) await db.executeQuery(CompiledQuery.raw(statement));
  await db.destroy();
}

test("data of a gateway from before browser URLs is there after an update", async () => {
  const ada = newAccountId();
  await writtenBefore(
    "0001-start",
    `insert into accounts values ('${ada}', 'ada', 0, 0, '2030')`,
    `insert into workspaces values ('${newWorkspaceId()}', '${ada}', 'box', 'box', '[]', 0, 1, '2030', null)`,
  );
  const store = await Store.open(openDatabase(dir), { log });
  expect(await store.workspaces.list(ada)).toMatchObject([{ name: "box", browserUrl: null, folder: null }]);
  await store.close();
});

test("keys from before proofs are valid after an update, until their holder proves them for another account", async () => {
  const [ada, bob] = [newAccountId(), newAccountId()];
  const { type, blob, fingerprint } = parsePublicKey(ed25519(1));
  await writtenBefore(
    "0002-browser-url-and-folder",
    `insert into accounts values ('${ada}', 'ada', 0, 0, '2030'), ('${bob}', 'bob', 0, 0, '2030')`,
    `insert into ssh_keys values ('${newKeyId()}', '${bob}', 'x', '${type}', '${blob}', '${fingerprint}', '2030')`,
  );
  const store = await Store.open(openDatabase(dir), { log });
  const changes: DirectoryChange[] = [];
  store.onChange((change) => changes.push(change));
  expect(await store.accountByKey(fingerprint)).toMatchObject({ id: bob });
  expect(await store.keys.list(bob)).toMatchObject([{ fingerprint, provedAt: null }]);
  await provedKey(store, ada, parsePublicKey(ed25519(1)));
  expect(await store.accountByKey(fingerprint)).toMatchObject({ id: ada });
  expect(await store.keys.list(bob)).toEqual([]);
  expect(changes).toContainEqual({ kind: "key-removed", accountId: bob, fingerprint });
  // Now that it is proved, no other account can get it, not even with a proof.
  await expect(provedKey(store, bob, parsePublicKey(ed25519(1)))).rejects.toMatchObject({
    code: "key_taken",
  });
  await store.close();
});

test("an account can prove its key from before proofs, which stays valid all the time", async () => {
  const ada = newAccountId();
  const key = parsePublicKey(ed25519(1));
  const { type, blob, fingerprint } = key;
  await writtenBefore(
    "0002-browser-url-and-folder",
    `insert into accounts values ('${ada}', 'ada', 0, 0, '2030')`,
    `insert into ssh_keys values ('${newKeyId()}', '${ada}', 'x', '${type}', '${blob}', '${fingerprint}', '2030')`,
  );
  const store = await Store.open(openDatabase(dir), { log });
  const changes: DirectoryChange[] = [];
  store.onChange((change) => changes.push(change));
  const { code } = await store.pendingKeys.add(ada, key, "x", { account: "ada" });
  expect(await store.accountByKey(fingerprint)).toMatchObject({ id: ada });
  await store.confirmKey(fingerprint, code, "192.0.2.1");
  expect(await store.keys.list(ada)).toMatchObject([{ fingerprint, provedAt: expect.any(String) }]);
  // The key opened the account before, so nothing that is open ends.
  expect(changes.map(({ kind }) => kind)).toEqual(["keys"]);
  const again = store.pendingKeys.add(ada, key, "x", { account: "ada" });
  await expect(again).rejects.toMatchObject({ code: "key_taken" });
  await store.close();
});

test("a host's token from before tokens were bound is bound to nothing yet", async () => {
  const [ada, token] = [newAccountId(), newAccessToken()];
  await writtenBefore(
    "0003-keys-wait-for-their-proof",
    `insert into accounts values ('${ada}', 'ada', 0, 0, '2030')`,
    `insert into workspaces (id, owner_id, name, asked_name, host_keys, end_to_end_only, owner_tokens, created_at) values ('${newWorkspaceId()}', '${ada}', 'box', 'box', '[]', 0, 1, '2030')`,
    `insert into access_tokens values ('${newTokenId()}', '${ada}', 't', '${hashToken(token)}', '["host"]', '2030', null, null, null)`,
  );
  const store = await Store.open(openDatabase(dir), { log });
  expect(await store.workspaces.list(ada)).toMatchObject([{ name: "box", heldHostKeys: [] }]);
  expect((await store.authenticate(token)).registers).toEqual({ kind: "first", name: null });
  await store.close();
});

test("titles and folders from before they had to be printable are listed so that clients accept them", async () => {
  const [ada, token] = [newAccountId(), newAccessToken()];
  const { type, blob, fingerprint } = parsePublicKey(ed25519(1));
  const title = "Ada's \u{1F469}\u200D\u{1F4BB}\u202E";
  await writtenBefore(
    "0002-browser-url-and-folder",
    `insert into accounts values ('${ada}', 'ada', 0, 0, '2030')`,
    `insert into workspaces (id, owner_id, name, asked_name, host_keys, end_to_end_only, owner_tokens, created_at, folder) values ('${newWorkspaceId()}', '${ada}', 'box', 'box', '[]', 0, 1, '2030', '/srv/\u202Etxt')`,
    `insert into access_tokens values ('${newTokenId()}', '${ada}', '${title.replace("'", "''")}', '${hashToken(token)}', '["host"]', '2030-01-01T00:00:00Z', null, null, null)`,
    `insert into ssh_keys values ('${newKeyId()}', '${ada}', '${title.replace("'", "''")}', '${type}', '${blob}', '${fingerprint}', '2030-01-01T00:00:00Z')`,
  );
  const store = await Store.open(openDatabase(dir), { log });
  const [[first], [key]] = [await store.tokens.list(ada), await store.keys.list(ada)];
  expect([first?.title, key?.title]).toEqual(Array(2).fill("Ada's \u{1F469}\uFFFD\u{1F4BB}\uFFFD"));
  expect([Check(AccessTokenInfo, first), Check(Key, key)]).toEqual([true, true]);
  expect(await store.workspaces.list(ada)).toMatchObject([{ name: "box", folder: null }]);
  await store.close();
});

test("stored data is there after a restart", async () => {
  prepareDataDir(dir);
  const first = await Store.open(openDatabase(dir), { log });
  const ada = await first.accounts.create(parseName("ada"), false, null);
  await first.close();
  const second = await Store.open(openDatabase(dir), { log });
  expect(await second.accounts.list()).toEqual([ada]);
  expect((await second.auditLog.list({ limit: 1 }))[0]?.event).toBe("account.created");
  await second.close();
});

test("a second gateway on the same data directory is refused until the first is gone", () => {
  prepareDataDir(dir);
  const lock = lockDataDir(dir);
  expect(() => lockDataDir(dir)).toThrow(/Another gateway is running on the data directory/);
  lock.release();
  lockDataDir(dir).release();
});

test("a database that a newer version has written is refused and left alone", async () => {
  prepareDataDir(dir);
  await (await Store.open(openDatabase(dir), { log })).close();
  const db = openDatabase(dir);
  await db
    .withTables<{ kysely_migration: { name: string; timestamp: string } }>()
    .insertInto("kysely_migration")
    .values({ name: "9999-future", timestamp: new Date().toISOString() })
    .execute();
  await db.destroy();
  for (const migrate of [true, false]) {
    await expect(Store.open(openDatabase(dir), { log, migrate })).rejects.toThrow(
      /newer version.*9999-future/,
    );
  }
});

test("opening an outdated database without migrating it changes nothing", async () => {
  prepareDataDir(dir);
  await expect(Store.open(openDatabase(dir), { log, migrate: false })).rejects.toThrow(/older version/);
  const db = openDatabase(dir);
  expect(await db.introspection.getTables({ withInternalKyselyTables: true })).toEqual([]);
  await db.destroy();
});

test("a data directory that is a file, and a file that is not a database, are reported in one line", async () => {
  writeFileSync(join(root, "file"), "");
  expect(() => prepareDataDir(join(root, "file"))).toThrow(/The data directory .*file can't be used/);
  prepareDataDir(dir);
  writeFileSync(
    join(dir, "gateway.db"),
    "this is not a database, and it is longer than the header of a database".repeat(50),
  );
  await expect(async () => Store.open(openDatabase(dir), { log })).rejects.toThrow(
    /gateway.db can't be opened/,
  );
});
