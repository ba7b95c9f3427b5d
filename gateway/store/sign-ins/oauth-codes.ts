// Authorization codes (RFC 6749 §4.1): what a person allowed a client, until the client swaps the code for tokens. A code is
// good for one presentation, right or wrong; a further one ends what the first one gave.

import { createHash } from "node:crypto";
import { ProtocolError } from "../../../protocol/errors.ts";
import { OAUTH_LIFETIMES, type OAuthClient, type OAuthScope } from "../../../protocol/sign-in/oauth.ts";
import type { AccountId, TokenId } from "../../../protocol/values/id.ts";
import { equalHashes, hashToken, newOneUseCode, type OneUseCode } from "../../../protocol/values/token.ts";
import { LIMITS, type StoreContext } from "../context.ts";
import type { OAuthCodeRow } from "../database/sign-in-schema.ts";
import { formatScopes } from "../tokens/scopes.ts";
import { after } from "./lifetimes.ts";

/** A used or expired code is kept for so long, so that its next use is noticed. Seconds. */
const REMEMBERED = 600;

export interface Consent {
  readonly accountId: AccountId;
  /** The browser session in which the person consented. */
  readonly sessionId: TokenId;
  readonly client: OAuthClient;
  readonly device: string;
  readonly redirectUri: string;
  /** PKCE, S256: base64url of the SHA-256 of the verifier. */
  readonly challenge: string;
  readonly scopes: readonly OAuthScope[];
}

export interface PresentedCode {
  readonly code: OneUseCode;
  readonly client: OAuthClient;
  readonly redirectUri: string;
  readonly verifier: string;
  readonly address: string;
}

export class OAuthCodes {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** @throws ProtocolError limit_reached */
  async create(consent: Consent): Promise<OneUseCode> {
    const { db, now } = this.#context;
    const code = newOneUseCode();
    const time = now();
    await db.transaction().execute(async (transaction) => {
      await transaction
        .deleteFrom("oauth_codes")
        .where("expires_at", "<", after(time, -REMEMBERED))
        .execute();
      const { count } = await transaction
        .selectFrom("oauth_codes")
        .select((select) => select.fn.countAll<number>().as("count"))
        .where("account_id", "=", consent.accountId)
        .executeTakeFirstOrThrow();
      if (Number(count) >= LIMITS.oauthCodesPerAccount) {
        throw new ProtocolError("limit_reached", "Too many sign-ins were allowed at once: wait ten minutes.");
      }
      await transaction
        .insertInto("oauth_codes")
        .values({
          hash: hashToken(code),
          account_id: consent.accountId,
          client: consent.client,
          device: consent.device,
          redirect_uri: consent.redirectUri,
          challenge: consent.challenge,
          scopes: formatScopes(consent.scopes),
          session_id: consent.sessionId,
          expires_at: after(time, OAUTH_LIFETIMES.code),
          used_at: null,
          replayed_at: null,
          token_id: null,
        })
        .execute();
    });
    return code;
  }

  /**
   * Uses a code up. undefined: it is unknown, expired, used, or was made for a different client, redirect URI or verifier.
   * Of several that present it at once, in different processes too, one gets the row.
   */
  async take(presented: PresentedCode): Promise<OAuthCodeRow | undefined> {
    const { db, now, audit } = this.#context;
    const hash = hashToken(presented.code);
    const at = now().toISOString();
    // Somebody who guesses must not take the database's write lock.
    const known = await db
      .selectFrom("oauth_codes")
      .select("hash")
      .where("hash", "=", hash)
      .executeTakeFirst();
    if (known === undefined) return undefined;
    const row = await db
      .updateTable("oauth_codes")
      .set({ used_at: at })
      .where("hash", "=", hash)
      .where("used_at", "is", null)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) {
      await this.#replayed(hash, at, presented.address);
      return undefined;
    }
    const { client, redirect_uri, challenge, expires_at } = row;
    const isBound =
      equalHashes(row.hash, hash) &&
      client === presented.client &&
      redirect_uri === presented.redirectUri &&
      isAnswered(challenge, presented.verifier);
    if (isBound) return expires_at > at ? row : undefined;
    // A code in the wrong hands: it was intercepted, or injected into a different client.
    audit({ event: "oauth-code.misused", address: presented.address, detail: client });
    return undefined;
  }

  /**
   * Notes the sign-in that a code gave. false: the code has come a second time since; that use ended nothing, because it did
   * not know of the sign-in yet.
   */
  async gave(hash: string, tokenId: TokenId): Promise<boolean> {
    const { numUpdatedRows } = await this.#context.db
      .updateTable("oauth_codes")
      .set({ token_id: tokenId })
      .where("hash", "=", hash)
      .where("replayed_at", "is", null)
      .executeTakeFirstOrThrow();
    return numUpdatedRows === 1n;
  }

  async prune(): Promise<void> {
    const { db, now } = this.#context;
    await db.deleteFrom("oauth_codes").where("expires_at", "<", after(now(), -REMEMBERED)).execute();
  }

  /** Ends what a code has given that comes a second time (RFC 6749 §4.1.2). */
  async #replayed(hash: string, at: string, address: string): Promise<void> {
    const { db, audit, endToken } = this.#context;
    const row = await db
      .updateTable("oauth_codes")
      .set({ replayed_at: at })
      .where("hash", "=", hash)
      .returning(["account_id", "token_id", "client"])
      .executeTakeFirst();
    if (row === undefined) return;
    const account = await db
      .selectFrom("accounts")
      .select("name")
      .where("id", "=", row.account_id)
      .executeTakeFirst();
    const actor = { account: account?.name ?? "", address };
    audit({ event: "oauth-code.reused", ...actor, token: row.token_id ?? undefined, detail: row.client });
    if (row.token_id !== null) await endToken(row.account_id, row.token_id, actor);
  }
}

/** RFC 7636 §4.6, S256. */
function isAnswered(challenge: string, verifier: string): boolean {
  const hex = (text: string) => Buffer.from(text, "base64url").toString("hex");
  return equalHashes(hex(challenge), createHash("sha256").update(verifier).digest("hex"));
}
