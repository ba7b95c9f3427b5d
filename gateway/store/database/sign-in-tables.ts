// The tables of people who sign in by a browser: their sign-ins and secrets, identities, passkeys, invitations,
// the codes of the authorization server, and what SCIM has told.

import type { SchemaModule } from "kysely";

export async function createSignInTables(schema: SchemaModule): Promise<void> {
  await extendTables(schema);
  await createSignIns(schema);
  await createIdentities(schema);
  await createCodes(schema);
}

async function extendTables(schema: SchemaModule): Promise<void> {
  const add = (table: string, column: string, type: "varchar(30)" | "varchar(40)" | "varchar(100)") =>
    schema.alterTable(table).addColumn(column, type).execute();
  await schema
    .alterTable("access_tokens")
    .addColumn("kind", "varchar(10)", (column) => column.notNull().defaultTo("token"))
    .execute();
  await add("access_tokens", "last_used_from", "varchar(100)");
  await add("accounts", "role_from", "varchar(40)");
  await add("ssh_keys", "last_used_at", "varchar(30)");
  await add("ssh_keys", "last_used_from", "varchar(100)");
  await add("ssh_keys", "frozen_at", "varchar(30)");
  await add("workspaces", "frozen_at", "varchar(30)");
  await add("shares", "expires_at", "varchar(30)");
  await schema.createIndex("shares_end").on("shares").column("expires_at").execute();
  for (const column of ["event", "account", "workspace", "address", "code"] as const) {
    await schema.createIndex(`audit_${column}`).on("audit").columns([column, "id"]).execute();
  }
  await schema.createIndex("audit_time").on("audit").column("time").execute();
}

async function createSignIns(schema: SchemaModule): Promise<void> {
  await schema
    .createTable("sign_ins")
    .addColumn("token_id", "varchar(40)", (column) =>
      column.primaryKey().references("access_tokens.id").onDelete("cascade"),
    )
    .addColumn("client", "varchar(40)", (column) => column.notNull())
    .addColumn("device", "varchar(100)", (column) => column.notNull())
    .addColumn("method", "varchar(20)", (column) => column.notNull())
    .addColumn("provider", "varchar(100)")
    .addColumn("identity_id", "varchar(40)")
    .addColumn("idp_session", "varchar(255)")
    .addColumn("sealed_refresh", "text")
    .addColumn("sealed_id_token", "text")
    .addColumn("provider_checked_at", "varchar(30)")
    .addColumn("authenticated_at", "varchar(30)", (column) => column.notNull())
    .addColumn("idle_expires_at", "varchar(30)", (column) => column.notNull())
    .execute();
  await schema.createIndex("sign_ins_identity").on("sign_ins").column("identity_id").execute();
  await schema
    .createTable("sign_in_secrets")
    .addColumn("hash", "varchar(64)", (column) => column.primaryKey())
    .addColumn("token_id", "varchar(40)", (column) =>
      column.notNull().references("access_tokens.id").onDelete("cascade"),
    )
    .addColumn("kind", "varchar(10)", (column) => column.notNull())
    .addColumn("expires_at", "varchar(30)", (column) => column.notNull())
    .addColumn("replaced_at", "varchar(30)")
    .addColumn("successor", "varchar(200)")
    .execute();
  await schema.createIndex("sign_in_secrets_token").on("sign_in_secrets").column("token_id").execute();
}

async function createIdentities(schema: SchemaModule): Promise<void> {
  await schema
    .createTable("identities")
    .addColumn("id", "varchar(40)", (column) => column.primaryKey())
    .addColumn("account_id", "varchar(40)", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("provider", "varchar(100)", (column) => column.notNull())
    .addColumn("issuer", "varchar(500)", (column) => column.notNull())
    .addColumn("subject", "varchar(255)", (column) => column.notNull())
    .addColumn("display", "varchar(255)", (column) => column.notNull())
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .addColumn("last_sign_in_at", "varchar(30)")
    .addUniqueConstraint("identities_subject", ["issuer", "subject"])
    .execute();
  await schema.createIndex("identities_account").on("identities").column("account_id").execute();
  await schema
    .createTable("passkeys")
    .addColumn("id", "varchar(40)", (column) => column.primaryKey())
    .addColumn("account_id", "varchar(40)", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("title", "varchar(100)", (column) => column.notNull())
    .addColumn("credential_id", "varchar(1400)", (column) => column.notNull().unique())
    .addColumn("public_key", "text", (column) => column.notNull())
    .addColumn("counter", "bigint", (column) => column.notNull())
    .addColumn("transports", "varchar(200)", (column) => column.notNull())
    .addColumn("parent_id", "varchar(40)")
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .addColumn("last_used_at", "varchar(30)")
    .execute();
  await schema.createIndex("passkeys_account").on("passkeys").column("account_id").execute();
  await schema
    .createTable("used_challenges")
    .addColumn("hash", "varchar(64)", (column) => column.primaryKey())
    .addColumn("expires_at", "varchar(30)", (column) => column.notNull())
    .execute();
  await schema
    .createTable("invitations")
    .addColumn("id", "varchar(40)", (column) => column.primaryKey())
    .addColumn("hash", "varchar(64)", (column) => column.notNull().unique())
    .addColumn("kind", "varchar(20)", (column) => column.notNull())
    .addColumn("account_id", "varchar(40)", (column) => column.references("accounts.id").onDelete("cascade"))
    .addColumn("name", "varchar(40)")
    .addColumn("admin", "integer", (column) => column.notNull())
    .addColumn("created_by", "varchar(100)", (column) => column.notNull())
    .addColumn("creator_id", "varchar(40)", (column) => column.references("accounts.id").onDelete("cascade"))
    .addColumn("parent_id", "varchar(40)")
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .addColumn("expires_at", "varchar(30)", (column) => column.notNull())
    .addColumn("used_at", "varchar(30)")
    .execute();
  await schema
    .createTable("scim_users")
    .addColumn("account_id", "varchar(40)", (column) =>
      column.primaryKey().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("user_name", "varchar(255)", (column) => column.notNull())
    .addColumn("user_key", "varchar(255)", (column) => column.notNull().unique())
    .addColumn("external_id", "varchar(255)", (column) => column.unique())
    .addColumn("display", "varchar(255)", (column) => column.notNull())
    .addColumn("disabled_by_scim", "integer", (column) => column.notNull())
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .addColumn("changed_at", "varchar(30)", (column) => column.notNull())
    .execute();
  await schema
    .createTable("provider_tests")
    .addColumn("token_id", "varchar(40)", (column) =>
      column.primaryKey().references("access_tokens.id").onDelete("cascade"),
    )
    .addColumn("provider", "varchar(100)", (column) => column.notNull())
    .addColumn("result", "text", (column) => column.notNull())
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .execute();
}

async function createCodes(schema: SchemaModule): Promise<void> {
  await schema
    .createTable("oauth_codes")
    .addColumn("hash", "varchar(64)", (column) => column.primaryKey())
    .addColumn("account_id", "varchar(40)", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("client", "varchar(40)", (column) => column.notNull())
    .addColumn("device", "varchar(100)", (column) => column.notNull())
    .addColumn("redirect_uri", "varchar(500)", (column) => column.notNull())
    .addColumn("challenge", "varchar(100)", (column) => column.notNull())
    .addColumn("scopes", "varchar(200)", (column) => column.notNull())
    .addColumn("session_id", "varchar(40)", (column) => column.notNull())
    .addColumn("expires_at", "varchar(30)", (column) => column.notNull())
    .addColumn("used_at", "varchar(30)")
    .addColumn("replayed_at", "varchar(30)")
    .addColumn("token_id", "varchar(40)")
    .execute();
  await schema
    .createTable("device_codes")
    .addColumn("hash", "varchar(64)", (column) => column.primaryKey())
    .addColumn("user_code", "varchar(20)", (column) => column.notNull().unique())
    .addColumn("client", "varchar(40)", (column) => column.notNull())
    .addColumn("device", "varchar(100)", (column) => column.notNull())
    .addColumn("scopes", "varchar(200)", (column) => column.notNull())
    .addColumn("address", "varchar(100)", (column) => column.notNull())
    .addColumn("address_block", "varchar(100)", (column) => column.notNull())
    .addColumn("created_at", "varchar(30)", (column) => column.notNull())
    .addColumn("expires_at", "varchar(30)", (column) => column.notNull())
    .addColumn("polled_at", "varchar(30)")
    .addColumn("interval_s", "integer", (column) => column.notNull())
    .addColumn("state", "varchar(10)", (column) => column.notNull())
    .addColumn("account_id", "varchar(40)", (column) => column.references("accounts.id").onDelete("cascade"))
    .addColumn("session_id", "varchar(40)")
    .execute();
  await schema
    .createTable("device_code_tries")
    .addColumn("account_id", "varchar(40)", (column) =>
      column.notNull().references("accounts.id").onDelete("cascade"),
    )
    .addColumn("address_block", "varchar(100)", (column) => column.notNull())
    .addColumn("tried_at", "varchar(30)", (column) => column.notNull())
    .execute();
}
