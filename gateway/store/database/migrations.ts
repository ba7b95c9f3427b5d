// The database's schema, step by step. A released step is never changed: a new step is added below it.

import { type Kysely, type Migration, Migrator, type SchemaModule, sql } from "kysely";
import { StartError } from "../../program/start-error.ts";
import type { Tables } from "./schema.ts";
import { createSignInTables } from "./sign-in-tables.ts";

const migrations: Readonly<Record<string, Migration>> = {
  "0001-start": {
    async up(db) {
      const { schema } = db;
      await createIdentities(schema);
      await createWorkspaces(schema);
      await schema
        .createTable("audit")
        .addColumn("id", "varchar(40)", (column) => column.primaryKey())
        .addColumn("time", "varchar(30)", (column) => column.notNull())
        .addColumn("event", "varchar(100)", (column) => column.notNull())
        .addColumn("account", "varchar(100)")
        .addColumn("workspace", "varchar(100)")
        .addColumn("address", "varchar(100)")
        .addColumn("token", "varchar(100)")
        .addColumn("key", "varchar(100)")
        .addColumn("code", "varchar(100)")
        .addColumn("bytes_in", "bigint")
        .addColumn("bytes_out", "bigint")
        .addColumn("duration_ms", "bigint")
        .addColumn("detail", "text")
        .execute();
    },
  },
  "0002-browser-url-and-folder": {
    async up({ schema }) {
      // One column a statement: SQLite adds no more at once.
      await schema.alterTable("workspaces").addColumn("browser_url", "text").execute();
      await schema.alterTable("workspaces").addColumn("folder", "text").execute();
    },
  },
  "0003-keys-wait-for-their-proof": {
    async up({ schema }) {
      // null in the keys that are there: they go on counting, until their holder proves them for another
      // account.
      await schema.alterTable("ssh_keys").addColumn("proved_at", "varchar(30)").execute();
      await schema
        .createTable("pending_keys")
        .addColumn("id", "varchar(40)", (column) => column.primaryKey())
        .addColumn("account_id", "varchar(40)", (column) =>
          column.notNull().references("accounts.id").onDelete("cascade"),
        )
        .addColumn("title", "varchar(100)", (column) => column.notNull())
        .addColumn("type", "varchar(100)", (column) => column.notNull())
        .addColumn("blob", "text", (column) => column.notNull())
        .addColumn("fingerprint", "varchar(60)", (column) => column.notNull())
        .addColumn("nonce", "varchar(50)", (column) => column.notNull())
        .addColumn("nonce_expires_at", "varchar(30)", (column) => column.notNull())
        .addColumn("code", "varchar(20)", (column) => column.notNull())
        .addColumn("created_at", "varchar(30)", (column) => column.notNull())
        .addColumn("expires_at", "varchar(30)", (column) => column.notNull())
        .addUniqueConstraint("pending_keys_account_key", ["account_id", "fingerprint"])
        .execute();
      await schema.createIndex("pending_keys_key").on("pending_keys").column("fingerprint").execute();
    },
  },
  "0004-bound-tokens-and-held-host-keys": {
    async up({ schema }) {
      const tokens = () => schema.alterTable("access_tokens");
      // Tokens of before are bound to no workspace yet, and are nobody's children.
      await tokens().addColumn("workspace_id", "varchar(40)").execute();
      await tokens().addColumn("workspace_name", "varchar(40)").execute();
      await tokens()
        .addColumn("reusable", "integer", (column) => column.notNull().defaultTo(0))
        .execute();
      await tokens().addColumn("parent_id", "varchar(40)").execute();
      await tokens()
        .addColumn("depth", "integer", (column) => column.notNull().defaultTo(0))
        .execute();
      await schema.alterTable("owner_tokens").addColumn("parent_id", "varchar(40)").execute();
      await schema
        .alterTable("workspaces")
        .addColumn("held_host_keys", "text", (column) => column.notNull().defaultTo("[]"))
        .execute();
      await schema.alterTable("workspaces").addColumn("accepted_host_key", "varchar(60)").execute();
      await schema.createIndex("access_tokens_parent").on("access_tokens").column("parent_id").execute();
      await schema.createIndex("owner_tokens_parent").on("owner_tokens").column("parent_id").execute();
    },
  },
  "0005-open-workspaces-by-address": {
    async up({ schema }) {
      await schema.alterTable("workspaces").addColumn("registered_from", "varchar(100)").execute();
    },
  },
  "0006-shares-are-accepted": {
    async up(db) {
      // null: offered, and not accepted yet.
      await db.schema.alterTable("shares").addColumn("accepted_at", "varchar(30)").execute();
      // Nobody was asked until now: what people have in use stays so.
      await sql`update shares set accepted_at = created_at`.execute(db);
    },
  },
  "0007-sign-ins": {
    async up({ schema }) {
      await createSignInTables(schema);
    },
  },
};

/**
 * Brings a database up to date.
 * @param upTo the name of the last step to run, for the schema of an older version. Missing: all steps
 * @throws StartError if a newer version has written it
 */
export async function migrate(db: Kysely<Tables>, upTo?: string): Promise<void> {
  await refuseNewer(db);
  const migrator = migratorFor(db);
  const { error } = await (upTo === undefined ? migrator.migrateToLatest() : migrator.migrateTo(upTo));
  if (error !== undefined) throw error;
}

/**
 * Checks the version and changes nothing, for commands beside a running gateway.
 * @throws StartError if it is older or newer
 */
export async function requireCurrent(db: Kysely<Tables>): Promise<void> {
  await refuseNewer(db);
  const applied = new Set(await appliedMigrations(db));
  if (Object.keys(migrations).every((name) => applied.has(name))) return;
  throw new StartError(
    "file",
    "This data directory is from an older version of Sallyport. Start the gateway once to bring it up to date.",
  );
}

async function refuseNewer(db: Kysely<Tables>): Promise<void> {
  const unknown = (await appliedMigrations(db)).find((name) => !Object.hasOwn(migrations, name));
  if (unknown === undefined) return;
  throw new StartError(
    "file",
    `This data directory was written by a newer version of Sallyport (this one does not know ${JSON.stringify(unknown)}). Run that version.`,
  );
}

async function appliedMigrations(db: Kysely<Tables>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === "kysely_migration")) return [];
  const rows = await db
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom("kysely_migration")
    .select("name")
    .execute();
  return rows.map((row) => row.name);
}

function migratorFor(db: Kysely<Tables>): Migrator {
  return new Migrator({ db, provider: { getMigrations: async () => migrations } });
}

async function createIdentities(schema: SchemaModule): Promise<void> {
  await schema
    .createTable("accounts")
    .addColumn("id", "varchar(40)", (column) => column.primaryKey())
    .addColumn("name", "varchar(40)", (column) => column.notNull().unique())
    .addColumn("admin", "integer", (column) => column.notNull())
    .addColumn("disabled", "integer", (column) => column.notNull())
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .execute();
  await schema
    .createTable("access_tokens")
    .addColumn("id", "varchar(40)", (column) => column.primaryKey())
    .addColumn("account_id", "varchar(40)", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("title", "varchar(100)", (column) => column.notNull())
    .addColumn("hash", "varchar(64)", (column) => column.notNull().unique())
    .addColumn("scopes", "varchar(200)", (column) => column.notNull())
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .addColumn("expires_at", "varchar(30)")
    .addColumn("revoked_at", "varchar(30)")
    .addColumn("last_used_at", "varchar(30)")
    .execute();
  await schema.createIndex("access_tokens_account").on("access_tokens").column("account_id").execute();
  await schema
    .createTable("ssh_keys")
    .addColumn("id", "varchar(40)", (column) => column.primaryKey())
    .addColumn("account_id", "varchar(40)", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("title", "varchar(100)", (column) => column.notNull())
    .addColumn("type", "varchar(100)", (column) => column.notNull())
    .addColumn("blob", "text", (column) => column.notNull())
    .addColumn("fingerprint", "varchar(60)", (column) => column.notNull().unique())
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .execute();
  await schema.createIndex("ssh_keys_account").on("ssh_keys").column("account_id").execute();
}

async function createWorkspaces(schema: SchemaModule): Promise<void> {
  await schema
    .createTable("workspaces")
    .addColumn("id", "varchar(40)", (column) => column.primaryKey())
    .addColumn("owner_id", "varchar(40)", (column) => column.references("accounts.id").onDelete("cascade"))
    .addColumn("name", "varchar(40)", (column) => column.notNull())
    .addColumn("asked_name", "varchar(40)", (column) => column.notNull())
    .addColumn("host_keys", "text", (column) => column.notNull())
    .addColumn("end_to_end_only", "integer", (column) => column.notNull())
    .addColumn("owner_tokens", "integer", (column) => column.notNull())
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .addColumn("last_seen_at", "varchar(30)")
    .addUniqueConstraint("workspaces_owner_name", ["owner_id", "name"])
    .execute();
  await schema
    .createTable("shares")
    .addColumn("workspace_id", "varchar(40)", (column) =>
      column.notNull().references("workspaces.id").onDelete("cascade"),
    )
    .addColumn("account_id", "varchar(40)", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .addPrimaryKeyConstraint("shares_key", ["workspace_id", "account_id"])
    .execute();
  await schema.createIndex("shares_account").on("shares").column("account_id").execute();
  await schema
    .createTable("owner_tokens")
    .addColumn("id", "varchar(40)", (column) => column.primaryKey())
    .addColumn("workspace_id", "varchar(40)", (column) =>
      column.notNull().references("workspaces.id").onDelete("cascade"),
    )
    .addColumn("hash", "varchar(64)", (column) => column.notNull().unique())
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .addColumn("expires_at", "varchar(30)", (column) => column.notNull())
    .addColumn("revoked_at", "varchar(30)")
    .addColumn("last_used_at", "varchar(30)")
    .execute();
  await schema.createIndex("owner_tokens_workspace").on("owner_tokens").column("workspace_id").execute();
}
