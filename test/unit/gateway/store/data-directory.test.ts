import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompiledQuery } from "kysely";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDataDir, openDatabase, prepareDataDir } from "../../../../gateway/store/sqlite.ts";
import { Store } from "../../../../gateway/store/store.ts";
import { newWorkspaceId } from "../../../../protocol/id.ts";
import { parseName } from "../../../../protocol/name.ts";

const log = pino({ level: "silent" });
const mode = (path: string) => statSync(path).mode & 0o777;
let root: string;
let dir: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sallyport-store-"));
  dir = join(root, "data");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("the data directory and everything in it is for its owner alone, whatever the umask", async () => {
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

test("an empty directory that was open is closed; one that holds somebody else's files keeps its mode", () => {
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

test("what a gateway from before browser URLs stored is there after an update", async () => {
  prepareDataDir(dir);
  const first = await Store.open(openDatabase(dir), { log });
  const ada = await first.accounts.create(parseName("ada"), false, null);
  await first.close();
  const db = openDatabase(dir);
  const before = [
    "alter table workspaces drop column browser_url",
    "alter table workspaces drop column folder",
    "delete from kysely_migration where name like '0002%'",
    `insert into workspaces values ('${newWorkspaceId()}', '${ada.id}', 'box', 'box', '[]', 0, 1, '2030', null)`,
  ];
  for (const statement of before) await db.executeQuery(CompiledQuery.raw(statement));
  await db.destroy();
  const second = await Store.open(openDatabase(dir), { log });
  expect(await second.workspaces.list(ada.id)).toMatchObject([
    { name: "box", browserUrl: null, folder: null },
  ]);
  await second.close();
});

test("what is stored is there after a restart", async () => {
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

test("a look at a database that was never brought up to date changes nothing", async () => {
  prepareDataDir(dir);
  await expect(Store.open(openDatabase(dir), { log, migrate: false })).rejects.toThrow(/older version/);
  const db = openDatabase(dir);
  expect(await db.introspection.getTables({ withInternalKyselyTables: true })).toEqual([]);
  await db.destroy();
});

test("a data directory that is no directory, and a database that is none, are named in one line", async () => {
  writeFileSync(join(root, "file"), "");
  expect(() => prepareDataDir(join(root, "file"))).toThrow(/The data directory .*file can't be used/);
  prepareDataDir(dir);
  writeFileSync(
    join(dir, "gateway.db"),
    "this is no database, and is longer than a header of one would be".repeat(50),
  );
  await expect(async () => Store.open(openDatabase(dir), { log })).rejects.toThrow(
    /gateway.db can't be opened/,
  );
});
