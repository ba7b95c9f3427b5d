// What sign-ins by an identity provider have beyond others: the provider can be asked whether the person may still come in, it
// can end them, and an administrator can look at what it sends.

import type { IdentityId, TokenId } from "../../../protocol/values/id.ts";
import type { StoreContext } from "../context.ts";
import type { ProviderTestRow, SignInRow } from "../database/sign-in-schema.ts";
import type { SignInWithAccount } from "./sign-ins.ts";

/** A sign-in that a provider has to confirm. */
export type ProviderSignIn = Pick<SignInRow, "provider" | "identity_id" | "sealed_refresh"> & {
  readonly id: TokenId;
};

export class ProviderSignIns {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /**
   * Takes the right to ask the provider about a sign-in, so that of all requests in all processes one asks: some providers
   * take a refresh token once only. undefined: it was confirmed after `before`, somebody asks now, or it has no provider.
   */
  async claim(id: TokenId, before: Date): Promise<ProviderSignIn | undefined> {
    const { db, now } = this.#context;
    const { numUpdatedRows } = await db
      .updateTable("sign_ins")
      .set({ provider_checked_at: now().toISOString() })
      .where("token_id", "=", id)
      .where("identity_id", "is not", null)
      .where((or) =>
        or.or([or("provider_checked_at", "is", null), or("provider_checked_at", "<=", before.toISOString())]),
      )
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) return undefined;
    return await db
      .selectFrom("sign_ins")
      .select(["token_id as id", "provider", "identity_id", "sealed_refresh"])
      .where("token_id", "=", id)
      .executeTakeFirst();
  }

  /** The living sign-ins of an identity that can be asked about. */
  async askable(identityId: IdentityId): Promise<ProviderSignIn[]> {
    return await this.#context.db
      .selectFrom("sign_ins")
      .innerJoin("access_tokens", "access_tokens.id", "sign_ins.token_id")
      .select(["sign_ins.token_id as id", "provider", "identity_id", "sealed_refresh"])
      .where("identity_id", "=", identityId)
      .where("sealed_refresh", "is not", null)
      .where("revoked_at", "is", null)
      .execute();
  }

  /** Sign-ins whose provider was last asked before `before`, those first that wait longest. */
  async due(before: Date, limit: number): Promise<TokenId[]> {
    const { db, now } = this.#context;
    const rows = await db
      .selectFrom("sign_ins")
      .innerJoin("access_tokens", "access_tokens.id", "sign_ins.token_id")
      .select("sign_ins.token_id as id")
      .where("sealed_refresh", "is not", null)
      .where("revoked_at", "is", null)
      .where("idle_expires_at", ">", now().toISOString())
      .where("provider_checked_at", "<=", before.toISOString())
      .orderBy("provider_checked_at")
      .limit(limit)
      .execute();
    return rows.map(({ id }) => id);
  }

  /** @param at when the provider was asked @param sealed the refresh token from now on; undefined: as before */
  async noteChecked(id: TokenId, at: Date, sealed: string | undefined): Promise<void> {
    await this.#context.db
      .updateTable("sign_ins")
      .set({
        provider_checked_at: at.toISOString(),
        ...(sealed === undefined ? {} : { sealed_refresh: sealed }),
      })
      .where("token_id", "=", id)
      .execute();
  }

  /** Living sign-ins of one of a provider's sessions. @param subject undefined: whoever's it is */
  async ofSession(provider: string, session: string, subject?: string): Promise<SignInWithAccount[]> {
    let query = this.#context.db
      .selectFrom("sign_ins")
      .innerJoin("access_tokens", "access_tokens.id", "sign_ins.token_id")
      .innerJoin("identities", "identities.id", "sign_ins.identity_id")
      .select(["access_tokens.id", "access_tokens.account_id as accountId"])
      .where("sign_ins.provider", "=", provider)
      .where("sign_ins.idp_session", "=", session)
      .where("access_tokens.revoked_at", "is", null);
    if (subject !== undefined) query = query.where("identities.subject", "=", subject);
    return await query.execute();
  }

  /** Keeps the last test of a browser session. @param result JSON */
  async saveTest(tokenId: TokenId, provider: string, result: string): Promise<void> {
    const row: ProviderTestRow = {
      token_id: tokenId,
      provider,
      result,
      created_at: this.#context.now().toISOString(),
    };
    await this.#context.db
      .insertInto("provider_tests")
      .values(row)
      .onConflict((conflict) => conflict.column("token_id").doUpdateSet(row))
      .execute();
  }

  async test(tokenId: TokenId, provider: string): Promise<ProviderTestRow | undefined> {
    return await this.#context.db
      .selectFrom("provider_tests")
      .selectAll()
      .where("token_id", "=", tokenId)
      .where("provider", "=", provider)
      .executeTakeFirst();
  }
}
