// Access tokens: how they are made, listed, revoked and forgotten. The database has only their hashes.

import type { AccessTokenInfo, Scope } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { type AccountId, newTokenId, type TokenId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import { printable } from "../../../protocol/values/printable.ts";
import { type AccessToken, hashToken, newAccessToken } from "../../../protocol/values/token.ts";
import type { Identity } from "../../directory.ts";
import { type Actor, daysBefore, flag, LIMITS, type StoreContext } from "../context.ts";
import type { AccessTokenRow } from "../database/schema.ts";
import type { Durability } from "../unwritten.ts";
import { checkAccessToken, recheckAccessToken } from "./check-access-token.ts";
import { checkBinding } from "./host-token.ts";
import { formatScopes, parseScopes } from "./scopes.ts";
import { birthOf, livingDescendants, revokeDescendants } from "./token-family.ts";

export interface NewAccessToken {
  readonly accountId: AccountId;
  readonly title: string;
  readonly scopes: readonly Scope[];
  /** null: it is valid until it is revoked. */
  readonly expiresInSeconds: number | null;
  /** The token that makes it; it ends when that one ends. Missing or null: it ends with none. */
  readonly parent?: TokenId | null;
  /**
   * The workspace that a host token is for, which need not exist yet. Missing: the first that it registers.
   */
  readonly workspace?: Name | undefined;
  /** A host token may register any workspace of the account. */
  readonly reusable?: boolean | undefined;
}

export class AccessTokens {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Checks a token as it came from the wire.
   * @param address the client's
   * @throws ProtocolError bad_token, token_unknown, token_revoked, token_expired, account_disabled
   */
  async authenticate(bearer: string, address?: string): Promise<Identity> {
    return checkAccessToken(this.#context, bearer, address);
  }

  /** Checks again a token that was admitted before. It throws the same errors. */
  async recheck(id: TokenId): Promise<Identity> {
    return recheckAccessToken(this.#context, id);
  }

  /**
   * The token expires no later than its parent.
   * @throws ProtocolError limit_reached, bad_request; token_revoked, token_expired: the parent has ended
   */
  async create(wanted: NewAccessToken, actor: Actor): Promise<{ token: AccessToken; info: AccessTokenInfo }> {
    const { db, now, audit } = this.#context;
    const token = newAccessToken();
    const created = now();
    const createdAt = created.toISOString();
    checkBinding(wanted);
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
        .where("kind", "=", "token")
        .where("revoked_at", "is", null)
        .where((or) => or.or([or("expires_at", "is", null), or("expires_at", ">", createdAt)]))
        .executeTakeFirstOrThrow();
      if (Number(count) >= LIMITS.tokensPerAccount) {
        throw new ProtocolError(
          "limit_reached",
          `An account can have at most ${LIMITS.tokensPerAccount} access tokens. Revoke one first.`,
        );
      }
      const made: AccessTokenRow = {
        id: newTokenId(),
        account_id: wanted.accountId,
        title: wanted.title,
        hash: hashToken(token),
        scopes: formatScopes(wanted.scopes),
        workspace_id: workspace?.id ?? null,
        workspace_name: wanted.workspace ?? null,
        reusable: flag(wanted.reusable === true),
        parent_id: birth.parentId,
        depth: birth.depth,
        created_at: createdAt,
        expires_at: birth.expiresAt,
        revoked_at: null,
        last_used_at: null,
        kind: "token",
        last_used_from: null,
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

  /** Tokens that are not revoked, oldest first; expired ones are among them, sign-ins are not. */
  async list(accountId: AccountId): Promise<AccessTokenInfo[]> {
    const rows = await this.#context.db
      .selectFrom("access_tokens")
      .selectAll()
      .where("account_id", "=", accountId)
      .where("kind", "=", "token")
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
   * Revokes a token and all tokens that it has made, for other accounts too.
   * @throws ProtocolError not_found, the same for a token that does not exist and one of another account
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

  /** Forgets tokens that expired or were revoked long ago. */
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
   * What a token opened may still be open after the token has expired. Once the token is forgotten, nobody
   * could end that by revoking the token or its parent, so it is ended now.
   */
  #endWhatIsOpen(forgotten: readonly Pick<AccessTokenRow, "id" | "revoked_at">[]): void {
    for (const { id, revoked_at } of forgotten) {
      if (revoked_at === null) this.#context.changed({ kind: "token-revoked", tokenId: id });
    }
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

function tokenBody(row: AccessTokenRow): AccessTokenInfo {
  const scopes = parseScopes(row.scopes);
  return {
    id: row.id,
    // Earlier versions stored any text, and clients refuse a list with control characters in it.
    title: printable(row.title),
    scopes: scopes.filter((scope) => scope !== "scim"),
    ...(scopes.includes("scim") ? { scim: true } : {}),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    ...(row.last_used_from === null ? {} : { lastUsedFrom: row.last_used_from }),
    ...(row.workspace_name === null ? {} : { workspace: row.workspace_name }),
    ...(row.reusable === 1 ? { reusable: true } : {}),
    ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
  };
}
