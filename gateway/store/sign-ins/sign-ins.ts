// Sign-ins: browsers with a session, and clients of the authorization server. Each is a row among the access tokens,
// so that its id, its end and all that it opened are handled as for a token. Its secrets change while its id stays.

import { randomBytes } from "node:crypto";
import type { Scope } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { SignInInfo, SignInMethod } from "../../../protocol/sign-in/api.ts";
import { type AccountId, type IdentityId, newTokenId, type TokenId } from "../../../protocol/values/id.ts";
import { printable } from "../../../protocol/values/printable.ts";
import {
  type AccessToken,
  hashToken,
  parseSessionSecret,
  type RefreshToken,
  type SessionSecret,
} from "../../../protocol/values/token.ts";
import type { Identity } from "../../directory.ts";
import { type Actor, LIMITS, type StoreContext } from "../context.ts";
import type { AccessTokenRow } from "../database/schema.ts";
import type { SignInRow } from "../database/sign-in-schema.ts";
import { checkSecret } from "../tokens/check-access-token.ts";
import { formatScopes } from "../tokens/scopes.ts";
import { birthOf } from "../tokens/token-family.ts";
import { after, idleExpiry, SIGN_IN_LIFETIMES } from "./lifetimes.ts";
import { type PresentedRefresh, type RenewedClient, renewClient } from "./renewal.ts";
import { type ClientSecrets, newClientSecrets, newSession } from "./secrets.ts";
import { signInBody } from "./sign-in-body.ts";

export interface NewSignIn {
  readonly accountId: AccountId;
  /** `dashboard`, or an OAuth client. */
  readonly client: string;
  /** As it calls itself; shown to the person. */
  readonly device: string;
  readonly method: SignInMethod;
  readonly scopes: readonly Scope[];
  /** The access token that it was made with and that it ends with. */
  readonly parent?: TokenId | null;
  readonly address: string;
  /** What an identity provider gave; all but the provider may be missing. */
  readonly identity?: ProviderFacts;
  /** When the person proved who they are; missing: now. */
  readonly authenticatedAt?: Date;
}

export interface ProviderFacts {
  readonly provider: string;
  readonly identityId: IdentityId;
  readonly idpSession?: string | undefined;
  /** Sealed by gateway/identity/sealed.ts. */
  readonly sealedRefresh?: string | undefined;
  readonly sealedIdToken?: string | undefined;
}

export interface SignInWithAccount {
  readonly id: TokenId;
  readonly accountId: AccountId;
}

export class SignIns {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** Signs a browser in. @throws ProtocolError account_disabled; token_revoked, token_expired: the parent has ended */
  async createBrowser(wanted: NewSignIn, actor: Actor): Promise<{ id: TokenId; secret: SessionSecret }> {
    const id = await this.#create("browser", wanted, actor);
    return { id, secret: await newSession(this.#context, id, SIGN_IN_LIFETIMES.browser) };
  }

  /** Signs a client in. It throws the same errors. */
  async createClient(wanted: NewSignIn, actor: Actor): Promise<{ id: TokenId } & ClientSecrets> {
    const id = await this.#create("client", wanted, actor);
    return { id, ...(await newClientSecrets(this.#context, id)) };
  }

  /** @throws ProtocolError bad_token, token_unknown, token_revoked, token_expired, account_disabled */
  async authenticateSession(secret: string, address: string): Promise<Identity> {
    return checkSecret(this.#context, "session", hashToken(parseSessionSecret(secret)), address);
  }

  /**
   * Gives a browser session a new secret, since the person has proved who they are. The old one ends at once.
   * @param provedAt missing: just now
   * @throws ProtocolError token_revoked
   */
  async renewBrowser(
    id: TokenId,
    method: SignInMethod,
    identity: ProviderFacts | undefined,
    provedAt?: Date,
  ): Promise<SessionSecret> {
    const { db, now } = this.#context;
    const at = now().toISOString();
    await db.deleteFrom("sign_in_secrets").where("token_id", "=", id).execute();
    const { numUpdatedRows } = await db
      .updateTable("sign_ins")
      .set({
        method,
        authenticated_at: provedAt?.toISOString() ?? at,
        ...(identity === undefined ? {} : providerColumns(identity, at)),
      })
      .where("token_id", "=", id)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n)
      throw new ProtocolError("token_revoked", "This browser is not signed in any more.");
    return await newSession(this.#context, id, SIGN_IN_LIFETIMES.browser);
  }

  /**
   * Renews a client's secrets: protocol/sign-in/oauth.ts says how often and for how long.
   * @throws ProtocolError token_unknown, token_revoked (also when an old refresh token came a second time: then the
   *   whole sign-in has ended), token_expired, account_disabled; scope_missing: different scopes are asked for
   */
  async renewClient(presented: PresentedRefresh): Promise<RenewedClient> {
    return await renewClient(this.#context, presented);
  }

  /**
   * Ends the sign-in that an access or refresh token belongs to, also one that has been replaced or has expired: its holder
   * was the client. Does nothing for a token that is not of a sign-in of `client`.
   */
  async endByToken(token: AccessToken | RefreshToken, client: string, address: string): Promise<void> {
    const row = await this.#context.db
      .selectFrom("sign_in_secrets")
      .innerJoin("sign_ins", "sign_ins.token_id", "sign_in_secrets.token_id")
      .innerJoin("access_tokens", "access_tokens.id", "sign_in_secrets.token_id")
      .innerJoin("accounts", "accounts.id", "access_tokens.account_id")
      .select(["access_tokens.id", "access_tokens.account_id", "accounts.name"])
      .where("sign_in_secrets.hash", "=", hashToken(token))
      .where("sign_in_secrets.kind", "in", ["access", "refresh"])
      .where("sign_ins.client", "=", client)
      .executeTakeFirst();
    if (row === undefined) return;
    await this.#context.endToken(row.account_id, row.id, { account: row.name, address });
  }

  /** The sign-ins of an account that nobody has ended. */
  async living(accountId: AccountId): Promise<TokenId[]> {
    const rows = await this.#context.db
      .selectFrom("access_tokens")
      .select("id")
      .where("account_id", "=", accountId)
      .where("kind", "!=", "token")
      .where("revoked_at", "is", null)
      .execute();
    return rows.map(({ id }) => id);
  }

  /** The living sign-ins of an account, newest first. */
  async list(accountId: AccountId, current?: TokenId): Promise<SignInInfo[]> {
    const { db, now, unwritten } = this.#context;
    const at = now().toISOString();
    const rows = await db
      .selectFrom("access_tokens")
      .innerJoin("sign_ins", "sign_ins.token_id", "access_tokens.id")
      .selectAll("access_tokens")
      .selectAll("sign_ins")
      .where("access_tokens.account_id", "=", accountId)
      .where("access_tokens.revoked_at", "is", null)
      .where("sign_ins.idle_expires_at", ">", at)
      .where((or) =>
        or.or([or("access_tokens.expires_at", "is", null), or("access_tokens.expires_at", ">", at)]),
      )
      .orderBy("access_tokens.created_at", "desc")
      .orderBy("access_tokens.id")
      .execute();
    return rows.filter(({ id }) => !unwritten.isRevoked(id)).map((row) => signInBody(row, current));
  }

  /** The row of a living sign-in, or of one that has ended; undefined: there is no such sign-in. */
  async row(id: TokenId): Promise<(AccessTokenRow & SignInRow) | undefined> {
    return this.#context.db
      .selectFrom("access_tokens")
      .innerJoin("sign_ins", "sign_ins.token_id", "access_tokens.id")
      .selectAll("access_tokens")
      .selectAll("sign_ins")
      .where("access_tokens.id", "=", id)
      .executeTakeFirst();
  }

  /** Living sign-ins that came by an identity, of one of its provider's sessions or of all. */
  async byIdentity(identityId: IdentityId, idpSession?: string): Promise<SignInWithAccount[]> {
    let query = this.#context.db
      .selectFrom("access_tokens")
      .innerJoin("sign_ins", "sign_ins.token_id", "access_tokens.id")
      .select(["access_tokens.id", "access_tokens.account_id as accountId"])
      .where("sign_ins.identity_id", "=", identityId)
      .where("access_tokens.revoked_at", "is", null);
    if (idpSession !== undefined) query = query.where("sign_ins.idp_session", "=", idpSession);
    return await query.execute();
  }

  /** Forgets secrets that are of no use any more. */
  async prune(): Promise<void> {
    const { db, now } = this.#context;
    // An expired secret is kept for a day, so that its holder is told that it expired.
    await db
      .deleteFrom("sign_in_secrets")
      .where("expires_at", "<", after(now(), -24 * 3_600))
      .execute();
  }

  async #create(kind: "browser" | "client", wanted: NewSignIn, actor: Actor): Promise<TokenId> {
    const { db, now, audit } = this.#context;
    const created = now();
    const at = created.toISOString();
    const id = newTokenId();
    const end = kind === "browser" ? after(created, SIGN_IN_LIFETIMES.browser) : null;
    const evicted = await db.transaction().execute(async (transaction) => {
      const account = await transaction
        .selectFrom("accounts")
        .select("disabled")
        .where("id", "=", wanted.accountId)
        .executeTakeFirst();
      if (
        account === undefined ||
        account.disabled === 1 ||
        this.#context.unwritten.isDisabled(wanted.accountId)
      ) {
        throw new ProtocolError("account_disabled", "This account is disabled: ask an administrator.");
      }
      const birth = await birthOf(transaction, wanted.parent ?? null, end, created);
      await transaction
        .insertInto("access_tokens")
        .values({
          id,
          account_id: wanted.accountId,
          title: printable(`${wanted.client} on ${wanted.device}`, 100),
          // Nothing hashes to it: the secrets are elsewhere.
          hash: randomBytes(32).toString("hex"),
          scopes: formatScopes(wanted.scopes),
          workspace_id: null,
          workspace_name: null,
          reusable: 0,
          parent_id: birth.parentId,
          depth: birth.depth,
          created_at: at,
          expires_at: birth.expiresAt,
          revoked_at: null,
          last_used_at: at,
          kind,
          last_used_from: wanted.address,
        })
        .execute();
      await transaction
        .insertInto("sign_ins")
        .values({
          token_id: id,
          client: wanted.client,
          device: printable(wanted.device, 100),
          method: wanted.method,
          provider: null,
          identity_id: null,
          idp_session: null,
          sealed_refresh: null,
          sealed_id_token: null,
          provider_checked_at: null,
          authenticated_at: wanted.authenticatedAt?.toISOString() ?? at,
          idle_expires_at: idleExpiry(kind, created),
          ...(wanted.identity === undefined ? {} : providerColumns(wanted.identity, at)),
        })
        .execute();
      return await transaction
        .selectFrom("access_tokens")
        .select("id")
        .where("account_id", "=", wanted.accountId)
        .where("kind", "=", kind)
        .where("revoked_at", "is", null)
        .where("id", "!=", id)
        .orderBy("last_used_at", "desc")
        .orderBy("id")
        .offset(LIMITS.signInsPerAccount - 1)
        .limit(100)
        .execute();
    });
    audit({
      event: "sign-in.created",
      account: actor.account,
      address: actor.address,
      token: id,
      detail: printable(`${wanted.client} on ${wanted.device}, by ${wanted.method}`, 200),
    });
    for (const { id: old } of evicted) await this.#context.endToken(wanted.accountId, old, actor);
    return id;
  }
}

function providerColumns(facts: ProviderFacts, at: string): Partial<SignInRow> {
  return {
    provider: facts.provider,
    identity_id: facts.identityId,
    idp_session: facts.idpSession ?? null,
    sealed_refresh: facts.sealedRefresh ?? null,
    sealed_id_token: facts.sealedIdToken ?? null,
    provider_checked_at: at,
  };
}
