// SQLite below Kysely: adapts node:sqlite to Kysely's SQLite dialect, sets the modes of the files, and locks
// the data directory. Nothing above this file knows which database is used.

import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement, sql } from "kysely";
import { refuseLoose } from "../../program/private-files.ts";
import { reasonOf, StartError } from "../../program/start-error.ts";
import type { Tables } from "./schema.ts";

const databaseFile = (dataDir: string): string => join(dataDir, "gateway.db");

export function hasDatabase(dataDir: string): boolean {
  return existsSync(databaseFile(dataDir));
}

/**
 * Creates the data directory (0700) if it is missing. An existing directory is closed to others only if it is
 * empty or has a database of ours: `--data /srv` must not change the mode of a directory that others use. A
 * directory that others may write to is refused, since they could put their own database there.
 * @throws StartError stage `file`
 */
export function prepareDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    if (readdirSync(dataDir).length === 0 || hasDatabase(dataDir)) chmodSync(dataDir, 0o700);
    refuseLoose(dataDir, "readers", "The data directory");
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError("file", `The data directory ${dataDir} can't be used (${reasonOf(error)}).`, error);
  }
}

/**
 * Keeps a second gateway from using the data directory. The lock is the operating system's, so it goes away
 * with the process, however that ends.
 * @throws StartError stage `file`
 */
export function lockDataDir(dataDir: string): { release(): void } {
  const path = join(dataDir, "gateway.lock");
  try {
    const database = openFile(path);
    try {
      database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      throw error;
    }
    return { release: () => database.close() };
  } catch (error) {
    if (error instanceof StartError) throw error;
    if (error instanceof Error && /locked|busy/i.test(error.message)) {
      throw new StartError("file", `Another gateway is running on the data directory ${dataDir}.`, error);
    }
    throw new StartError("file", `${path} can't be locked (${reasonOf(error)}).`, error);
  }
}

/** Opens the database in a data directory. @throws StartError stage `file` */
export function openDatabase(dataDir: string): Kysely<Tables> {
  const path = databaseFile(dataDir);
  try {
    const database = openFile(path);
    database.exec("PRAGMA busy_timeout = 5000");
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = NORMAL");
    database.exec("PRAGMA foreign_keys = ON");
    return kyselyOn(database);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError("file", `The database ${path} can't be opened (${reasonOf(error)}).`, error);
  }
}

/** Copies the database as it is at one moment, also while a gateway uses it. `to` does not exist yet. @throws StartError */
export function copyDatabase(dataDir: string, to: string): void {
  const database = openFile(databaseFile(dataDir));
  try {
    database.exec("PRAGMA busy_timeout = 5000");
    database.prepare("VACUUM INTO ?").run(to);
    chmodSync(to, 0o600);
  } finally {
    database.close();
  }
}

/** Without what waits in the journal. */
export async function databaseBytes(db: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`select page_count * page_size as bytes
    from pragma_page_count(), pragma_page_size()`.execute(db);
  return Number(rows[0]?.bytes ?? 0);
}

/** A database in memory, for tests. */
export function openMemoryDatabase(): Kysely<Tables> {
  const database = new DatabaseSync(":memory:");
  database.exec("PRAGMA foreign_keys = ON");
  return kyselyOn(database);
}

/**
 * SQLite gives its journal files the mode of the database, so it is enough to set that. A file that exists
 * must not be opened here: closing it would drop this process's POSIX locks on it (fcntl(2)).
 */
function openFile(path: string): DatabaseSync {
  if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
  chmodSync(path, 0o600);
  refuseLoose(path, "nobody", "The database");
  return new DatabaseSync(path);
}

function kyselyOn(database: DatabaseSync): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: adapt(database) }) });
}

/** The gateway has fewer queries; lists of values of different lengths add more. */
const MAX_STATEMENTS = 256;

function adapt(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  return {
    close: () => database.close(),
    // Every connection runs the same few queries, and preparing one takes longer than running it.
    prepare: (sql) => {
      const known = prepared.get(sql);
      if (known !== undefined) return known;
      const statement = prepare(database, sql);
      const [oldest] = prepared.size < MAX_STATEMENTS ? [] : prepared.keys();
      if (oldest !== undefined) prepared.delete(oldest);
      prepared.set(sql, statement);
      return statement;
    },
  };
}

function prepare(database: DatabaseSync, sql: string): SqliteStatement {
  // Only one process writes at a time. A transaction that first reads and then writes would fail where
  // another process has written in between, and waiting would not help (SQLITE_BUSY_SNAPSHOT). So each
  // transaction takes the write lock first.
  const text = sql === "begin" ? "begin immediate" : sql;
  const statement = database.prepare(text);
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...parameters.map(toSqlite)),
    run: (parameters) => statement.run(...parameters.map(toSqlite)),
    // A statement that is being read row by row must not be restarted by the same query, so each reader gets
    // its own.
    iterate: (parameters) => database.prepare(text).iterate(...parameters.map(toSqlite)),
  };
}

function toSqlite(value: unknown): SQLInputValue {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint") {
    return value;
  }
  throw new TypeError(`A ${typeof value} can't be stored.`);
}
