// Owner tokens: each is a secret that opens one workspace until it expires.

import type { OwnerTokenInfo } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { newTokenId, type TokenId } from "../../../protocol/values/id.ts";
import {
  equalHashes,
  hashToken,
  newOwnerToken,
  type OwnerToken,
  parseOwnerToken,
} from "../../../protocol/values/token.ts";
import type { OwnerGrant } from "../../directory.ts";
import { type Actor, daysBefore, LIMITS, type StoreContext } from "../context.ts";
import type { OwnerTokenRow } from "../database/schema.ts";
import type { Durability } from "../unwritten.ts";
import type { OwnedWorkspace } from "../workspaces.ts";
import { noteUse } from "./last-use.ts";
import { birthOf } from "./token-family.ts";

export class OwnerTokens {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Checks a token as it came from the wire.
   * @throws ProtocolError bad_token, token_unknown, token_revoked, token_expired, account_disabled (the
   *   owner's); forbidden where the host no longer accepts owner tokens
   */
  async authenticate(bearer: string): Promise<OwnerGrant> {
    const { db, now } = this.#context;
    const hash = hashToken(parseOwnerToken(bearer));
    const row = await db
      .selectFrom("owner_tokens")
      .innerJoin("workspaces", "workspaces.id", "owner_tokens.workspace_id")
      .leftJoin("accounts", "accounts.id", "workspaces.owner_id")
      .selectAll("owner_tokens")
      .select(["accounts.disabled", "workspaces.owner_id", "workspaces.owner_tokens as allowed"])
      .where("owner_tokens.hash", "=", hash)
      .executeTakeFirst();
    if (row === undefined || !equalHashes(row.hash, hash)) {
      throw new ProtocolError("token_unknown", "This gateway does not know this owner token.");
    }
    const { unwritten } = this.#context;
    if (row.revoked_at !== null || unwritten.isRevoked(row.id) || unwritten.isRemoved(row.workspace_id)) {
      throw new ProtocolError("token_revoked", "This owner token was revoked.");
    }
    if (row.expires_at <= now().toISOString()) {
      throw new ProtocolError("token_expired", `This owner token expired at ${row.expires_at}.`);
    }
    if (row.disabled === 1 || unwritten.isDisabled(row.owner_id)) {
      throw new ProtocolError("account_disabled", "The owner's account is disabled.");
    }
    if (row.allowed === 0) throw refusedByHost();
    await noteUse(this.#context, row);
    return {
      workspaceId: row.workspace_id,
      ownerId: row.owner_id,
      tokenId: row.id,
      expiresAt: new Date(row.expires_at),
    };
  }

  /**
   * @param parent the access token that makes it; the owner token expires no later than its parent. null: none
   * @throws ProtocolError limit_reached, forbidden; token_revoked, token_expired: the parent has ended
   */
  async create(
    workspace: OwnedWorkspace,
    expiresInSeconds: number,
    actor: Actor,
    parent?: TokenId | null,
  ): Promise<{ token: OwnerToken; info: OwnerTokenInfo }> {
    const { db, now, audit } = this.#context;
    if (!workspace.ownerTokens) throw refusedByHost();
    const token = newOwnerToken();
    const created = now();
    const createdAt = created.toISOString();
    const expiry = new Date(created.getTime() + expiresInSeconds * 1000).toISOString();
    const row = await db.transaction().execute(async (transaction): Promise<OwnerTokenRow> => {
      const birth = await birthOf(transaction, parent ?? null, expiry, created);
      const { count } = await transaction
        .selectFrom("owner_tokens")
        .select((select) => select.fn.countAll<number>().as("count"))
        .where("workspace_id", "=", workspace.id)
        .where("revoked_at", "is", null)
        .where("expires_at", ">", createdAt)
        .executeTakeFirstOrThrow();
      if (Number(count) >= LIMITS.ownerTokensPerWorkspace) {
        throw new ProtocolError(
          "limit_reached",
          `A workspace can have at most ${LIMITS.ownerTokensPerWorkspace} owner tokens. Revoke one first.`,
        );
      }
      const made: OwnerTokenRow = {
        id: newTokenId(),
        workspace_id: workspace.id,
        hash: hashToken(token),
        parent_id: birth.parentId,
        created_at: createdAt,
        expires_at: birth.expiresAt ?? expiry,
        revoked_at: null,
        last_used_at: null,
      };
      await transaction.insertInto("owner_tokens").values(made).execute();
      return made;
    });
    await this.#pruneDead(workspace);
    audit({
      event: "owner-token.created",
      account: actor.account,
      address: actor.address,
      workspace: workspace.id,
      token: row.id,
      detail: `until ${row.expires_at}`,
    });
    return { token, info: body(row) };
  }

  /** Tokens that still open the workspace, oldest first. */
  async list(workspace: OwnedWorkspace): Promise<OwnerTokenInfo[]> {
    const { db, now } = this.#context;
    const rows = await db
      .selectFrom("owner_tokens")
      .selectAll()
      .where("workspace_id", "=", workspace.id)
      .where("revoked_at", "is", null)
      .where("expires_at", ">", now().toISOString())
      .orderBy("created_at")
      .orderBy("id")
      .execute();
    return rows.filter(({ id }) => !this.#context.unwritten.isRevoked(id)).map(body);
  }

  /** @throws ProtocolError not_found */
  async revoke(workspace: OwnedWorkspace, id: TokenId, actor: Actor): Promise<Durability> {
    return await this.#context.unwritten.revoke(
      () => this.#writeRevoked(workspace, id, actor),
      async () => {
        if ((await this.list(workspace)).some((token) => token.id === id)) {
          return [{ kind: "token-revoked", tokenId: id }];
        }
        throw new ProtocolError("not_found", "There is no such owner token.");
      },
    );
  }

  async #writeRevoked(workspace: OwnedWorkspace, id: TokenId, actor: Actor): Promise<void> {
    const { db, now, changed, audit } = this.#context;
    const { numUpdatedRows } = await db
      .updateTable("owner_tokens")
      .set({ revoked_at: now().toISOString() })
      .where("id", "=", id)
      .where("workspace_id", "=", workspace.id)
      .where("revoked_at", "is", null)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw new ProtocolError("not_found", "There is no such owner token.");
    audit({
      event: "owner-token.revoked",
      account: actor.account,
      address: actor.address,
      workspace: workspace.id,
      token: id,
    });
    changed({ kind: "token-revoked", tokenId: id });
  }

  /** Forgets tokens that expired or were revoked long ago. */
  async prune(): Promise<void> {
    const { db, now } = this.#context;
    const limit = daysBefore(now(), LIMITS.deadTokenDays);
    await db
      .deleteFrom("owner_tokens")
      .where((or) => or.or([or("expires_at", "<", limit), or("revoked_at", "<", limit)]))
      .execute();
  }

  async #pruneDead(workspace: OwnedWorkspace): Promise<void> {
    const { db, now } = this.#context;
    const dead = await db
      .selectFrom("owner_tokens")
      .select("id")
      .where("workspace_id", "=", workspace.id)
      .where((or) => or.or([or("revoked_at", "is not", null), or("expires_at", "<=", now().toISOString())]))
      .orderBy("created_at", "desc")
      .limit(LIMITS.deadTokens)
      .offset(LIMITS.deadTokens)
      .execute();
    if (dead.length === 0) return;
    const ids = dead.map((row) => row.id);
    await db.deleteFrom("owner_tokens").where("id", "in", ids).execute();
  }
}

function body(row: OwnerTokenRow): OwnerTokenInfo {
  return {
    id: row.id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}

function refusedByHost(): ProtocolError {
  return new ProtocolError("forbidden", "This workspace's host does not accept owner tokens.");
}
