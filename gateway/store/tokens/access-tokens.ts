// Access tokens: minted once, stored as a hash, checked on every sign-in.

import type { AccessTokenInfo, Scope } from "../../../protocol/api.ts";
import { SCOPES } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { type AccountId, newTokenId, type TokenId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import { printable } from "../../../protocol/values/printable.ts";
import {
  type AccessToken,
  equalHashes,
  hashToken,
  newAccessToken,
  parseAccessToken,
} from "../../../protocol/values/token.ts";
import type { Identity, RegistersWhat } from "../../directory.ts";
import { type Actor, daysBefore, flag, LAST_USED_MS, LIMITS, type StoreContext } from "../context.ts";
import type { AccessTokenRow } from "../database/schema.ts";
import { type Durability, unlessUnwritable } from "../unwritten.ts";
import { birthOf, livingDescendants, revokeDescendants } from "./token-family.ts";

export interface NewAccessToken {
  readonly accountId: AccountId;
  readonly title: string;
  readonly scopes: readonly Scope[];
  /** null: until it is revoked. */
  readonly expiresInSeconds: number | null;
  /** The token that makes it, and with which it ends. Missing: the gateway itself makes it. */
  readonly parent?: TokenId;
  /** For which workspace a host's token is; there may be none of this name yet. Missing: the first that it registers. */
  readonly workspace?: Name | undefined;
  /** A host's token that registers any workspace of the account. */
  readonly reusable?: boolean | undefined;
}

export class AccessTokens {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Checks a token as it came from the wire.
   * @throws ProtocolError bad_token, token_unknown, token_revoked, token_expired, account_disabled
   */
  async authenticate(bearer: string): Promise<Identity> {
    const hash = hashToken(parseAccessToken(bearer));
    const row = await this.#select().where("access_tokens.hash", "=", hash).executeTakeFirst();
    if (row === undefined || !equalHashes(row.hash, hash)) {
      throw new ProtocolError("token_unknown", "This gateway does not know this access token.");
    }
    return this.#admit(row);
  }

  /** The same check for a token that was admitted before: is it still good? The errors are the same. */
  async recheck(id: TokenId): Promise<Identity> {
    const row = await this.#select().where("access_tokens.id", "=", id).executeTakeFirst();
    if (row === undefined) throw new ProtocolError("token_unknown", "This access token is gone.");
    return this.#admit(row);
  }

  /**
   * The new token's expiry is its parent's where that is earlier.
   * @throws ProtocolError limit_reached, bad_request; token_revoked, token_expired: the parent has ended meanwhile
   */
  async create(wanted: NewAccessToken, actor: Actor): Promise<{ token: AccessToken; info: AccessTokenInfo }> {
    const { db, now, audit } = this.#context;
    const token = newAccessToken();
    const created = now();
    const createdAt = created.toISOString();
    refuseSenseless(wanted);
    const expiry =
      wanted.expiresInSeconds === null
        ? null
        : new Date(created.getTime() + wanted.expiresInSeconds * 1000).toISOString();
    const row = await db.transaction().execute(async (transaction): Promise<AccessTokenRow> => {
      const birth = await birthOf(transaction, wanted.parent ?? null, expiry, created);
      const workspace =
        wanted.workspace === undefined
          ? undefined
          : await transaction
              .selectFrom("workspaces")
              .select("id")
              .where("owner_id", "=", wanted.accountId)
              .where("name", "=", wanted.workspace)
              .executeTakeFirst();
      const { count } = await transaction
        .selectFrom("access_tokens")
        .select((select) => select.fn.countAll<number>().as("count"))
        .where("account_id", "=", wanted.accountId)
        .where("revoked_at", "is", null)
        .where((or) => or.or([or("expires_at", "is", null), or("expires_at", ">", createdAt)]))
        .executeTakeFirstOrThrow();
      if (Number(count) >= LIMITS.tokensPerAccount) {
        throw new ProtocolError(
          "limit_reached",
          `An account has at most ${LIMITS.tokensPerAccount} access tokens: revoke one first.`,
        );
      }
      const made: AccessTokenRow = {
        id: newTokenId(),
        account_id: wanted.accountId,
        title: wanted.title,
        hash: hashToken(token),
        scopes: JSON.stringify(SCOPES.filter((scope) => wanted.scopes.includes(scope))),
        workspace_id: workspace?.id ?? null,
        workspace_name: wanted.workspace ?? null,
        reusable: flag(wanted.reusable === true),
        parent_id: birth.parentId,
        depth: birth.depth,
        created_at: createdAt,
        expires_at: birth.expiresAt,
        revoked_at: null,
        last_used_at: null,
      };
      await transaction.insertInto("access_tokens").values(made).execute();
      return made;
    });
    await this.#pruneDead(wanted.accountId);
    audit({
      event: "token.created",
      account: actor.account,
      address: actor.address,
      token: row.id,
      detail: wanted.scopes.join(" "),
    });
    return { token, info: tokenBody(row) };
  }

  /** Those that are not revoked, oldest first. */
  async list(accountId: AccountId): Promise<AccessTokenInfo[]> {
    const rows = await this.#context.db
      .selectFrom("access_tokens")
      .selectAll()
      .where("account_id", "=", accountId)
      .where("revoked_at", "is", null)
      .orderBy("created_at")
      .orderBy("id")
      .execute();
    return rows.filter(({ id }) => !this.#context.unwritten.isRevoked(id)).map(tokenBody);
  }

  async info(id: TokenId): Promise<AccessTokenInfo | undefined> {
    const row = await this.#context.db
      .selectFrom("access_tokens")
      .selectAll()
      .where("id", "=", id)
      .executeTakeFirst();
    return row === undefined ? undefined : tokenBody(row);
  }

  /**
   * Revokes a token with all that it has made, also for other accounts.
   * @throws ProtocolError not_found, alike for a token that does not exist and one that is someone else's
   */
  async revoke(accountId: AccountId, id: TokenId, actor: Actor): Promise<Durability> {
    return await this.#context.unwritten.revoke(
      () => this.#writeRevoked(accountId, id, actor),
      async () => {
        const { db, unwritten } = this.#context;
        const row = await db
          .selectFrom("access_tokens")
          .select("id")
          .where("id", "=", id)
          .where("account_id", "=", accountId)
          .where("revoked_at", "is", null)
          .executeTakeFirst();
        if (row === undefined || unwritten.isRevoked(id)) {
          throw new ProtocolError("not_found", "There is no such access token.");
        }
        const tokens = [id, ...(await livingDescendants(db, id))];
        return tokens.map((tokenId) => ({ kind: "token-revoked", tokenId }));
      },
    );
  }

  async #writeRevoked(accountId: AccountId, id: TokenId, actor: Actor): Promise<void> {
    const { db, now, changed, audit } = this.#context;
    const at = now().toISOString();
    const descendants = await db.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable("access_tokens")
        .set({ revoked_at: at })
        .where("id", "=", id)
        .where("account_id", "=", accountId)
        .where("revoked_at", "is", null)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw new ProtocolError("not_found", "There is no such access token.");
      return await revokeDescendants(transaction, id, at);
    });
    const { account, address } = actor;
    audit({ event: "token.revoked", account, address, token: id });
    changed({ kind: "token-revoked", tokenId: id });
    for (const child of descendants) {
      audit({ event: "token.revoked", account, address, token: child, detail: `with ${id}, which made it` });
      changed({ kind: "token-revoked", tokenId: child });
    }
  }

  /** Forgets tokens that have been dead for long. */
  async prune(): Promise<void> {
    const { db, now } = this.#context;
    const limit = daysBefore(now(), LIMITS.deadTokenDays);
    const forgotten = await db
      .deleteFrom("access_tokens")
      .where((or) => or.or([or("expires_at", "<", limit), or("revoked_at", "<", limit)]))
      .returning(["id", "revoked_at"])
      .execute();
    this.#endWhatIsOpen(forgotten);
  }

  /**
   * What was opened with a token that has expired since may be open still. Once the token is forgotten nobody could end it by
   * revoking that one, or the one that made it.
   */
  #endWhatIsOpen(forgotten: readonly Pick<AccessTokenRow, "id" | "revoked_at">[]): void {
    for (const { id, revoked_at } of forgotten) {
      if (revoked_at === null) this.#context.changed({ kind: "token-revoked", tokenId: id });
    }
  }

  #select() {
    return this.#context.db
      .selectFrom("access_tokens")
      .innerJoin("accounts", "accounts.id", "access_tokens.account_id")
      .selectAll("access_tokens")
      .select(["accounts.name", "accounts.admin", "accounts.disabled"]);
  }

  async #admit(
    row: AccessTokenRow & { name: Identity["account"]["name"]; admin: number; disabled: number },
  ): Promise<Identity> {
    const now = this.#context.now();
    const { unwritten } = this.#context;
    if (row.revoked_at !== null || unwritten.isRevoked(row.id)) {
      throw new ProtocolError("token_revoked", "This access token was revoked.");
    }
    if (row.expires_at !== null && row.expires_at <= now.toISOString()) {
      throw new ProtocolError("token_expired", `This access token expired at ${row.expires_at}.`);
    }
    if (row.disabled === 1 || unwritten.isDisabled(row.account_id)) {
      throw new ProtocolError("account_disabled", "This account is disabled: ask an administrator.");
    }
    await this.#touch(row, now);
    const admin = row.admin === 1;
    const scopes = new Set(parseScopes(row.scopes).filter((scope) => scope !== "admin" || admin));
    return {
      account: { id: row.account_id, name: row.name, admin },
      tokenId: row.id,
      scopes,
      registers: registersWhat(row),
    };
  }

  async #touch(row: AccessTokenRow, now: Date): Promise<void> {
    const before = new Date(now.getTime() - LAST_USED_MS).toISOString();
    if (row.last_used_at !== null && row.last_used_at > before) return;
    await this.#context.db
      .updateTable("access_tokens")
      .set({ last_used_at: now.toISOString() })
      .where("id", "=", row.id)
      .execute()
      .catch(unlessUnwritable);
  }

  /** Creating and revoking in a loop must not fill the disk. */
  async #pruneDead(accountId: AccountId): Promise<void> {
    const { db, now } = this.#context;
    const dead = await db
      .selectFrom("access_tokens")
      .select("id")
      .where("account_id", "=", accountId)
      .where((or) => or.or([or("revoked_at", "is not", null), or("expires_at", "<=", now().toISOString())]))
      .orderBy("created_at", "desc")
      .limit(LIMITS.deadTokens)
      .offset(LIMITS.deadTokens)
      .execute();
    if (dead.length === 0) return;
    const ids = dead.map((row) => row.id);
    const forgotten = await db
      .deleteFrom("access_tokens")
      .where("id", "in", ids)
      .returning(["id", "revoked_at"])
      .execute();
    this.#endWhatIsOpen(forgotten);
  }
}

export function tokenBody(row: AccessTokenRow): AccessTokenInfo {
  return {
    id: row.id,
    // Earlier versions stored any text, and clients take no list that has characters in it which do something.
    title: printable(row.title),
    scopes: parseScopes(row.scopes),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    ...(row.workspace_name === null ? {} : { workspace: row.workspace_name }),
    ...(row.reusable === 1 ? { reusable: true } : {}),
    ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
  };
}

/**
 * Whether a token is a host's alone, so that it is for one workspace: who manages the account, or the gateway, can make
 * such tokens for each of them.
 */
function isForHosts(scopes: readonly Scope[]): boolean {
  return scopes.includes("host") && !scopes.includes("account") && !scopes.includes("admin");
}

function registersWhat(row: AccessTokenRow): RegistersWhat {
  if (row.reusable === 1 || !isForHosts(parseScopes(row.scopes))) return { kind: "any" };
  if (row.workspace_id === null || row.workspace_name === null) {
    return { kind: "first", name: row.workspace_name };
  }
  return { kind: "one", id: row.workspace_id, name: row.workspace_name };
}

/** @throws ProtocolError bad_request */
function refuseSenseless({ scopes, workspace, reusable }: NewAccessToken): void {
  if (workspace === undefined && reusable !== true) return;
  const field = workspace === undefined ? "reusable" : "workspace";
  if (workspace !== undefined && reusable === true) {
    throw new ProtocolError("bad_request", "A token is for one workspace, or reusable: not both.", { field });
  }
  if (!isForHosts(scopes)) {
    const message = "Only a token with the scope host, and neither account nor admin, is for one workspace.";
    throw new ProtocolError("bad_request", message, { field });
  }
}

/** A scope that this version does not know grants nothing. */
function parseScopes(text: string): Scope[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? SCOPES.filter((scope) => value.includes(scope)) : [];
}
