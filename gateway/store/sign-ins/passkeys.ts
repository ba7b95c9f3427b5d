// Passkeys of accounts (WebAuthn): which there are, what was last heard of each, and which challenges are used up.

import { createHash } from "node:crypto";
import type { Transaction } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { PasskeyInfo } from "../../../protocol/sign-in/api.ts";
import { type AccountId, newPasskeyId, type PasskeyId, type TokenId } from "../../../protocol/values/id.ts";
import { type Actor, LIMITS, type StoreContext } from "../context.ts";
import type { Tables } from "../database/schema.ts";
import type { PasskeyRow } from "../database/sign-in-schema.ts";
import { requireWayIn } from "./ways-in.ts";

/** A passkey as its registration proved it. */
export interface NewPasskey {
  readonly title: string;
  /** base64url. */
  readonly credentialId: string;
  /** COSE key, base64url. */
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
}

export class Passkeys {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** Oldest first. */
  async list(accountId: AccountId): Promise<PasskeyInfo[]> {
    return (await this.rows(accountId)).map(passkeyBody);
  }

  async rows(accountId: AccountId): Promise<PasskeyRow[]> {
    return await this.#context.db
      .selectFrom("passkeys")
      .selectAll()
      .where("account_id", "=", accountId)
      .orderBy("created_at")
      .orderBy("id")
      .execute();
  }

  async byCredential(credentialId: string): Promise<PasskeyRow | undefined> {
    return await this.#context.db
      .selectFrom("passkeys")
      .selectAll()
      .where("credential_id", "=", credentialId)
      .executeTakeFirst();
  }

  /**
   * @param parent the access token that the browser is signed in with
   * @throws ProtocolError limit_reached, key_taken
   */
  async add(
    accountId: AccountId,
    passkey: NewPasskey,
    parent: TokenId | null,
    actor: Actor,
  ): Promise<PasskeyInfo> {
    const { db, now, audit } = this.#context;
    const row = await db
      .transaction()
      .execute((transaction) => insertPasskey(transaction, { ...passkey, accountId, parent }, now()));
    audit({ event: "passkey.added", account: actor.account, address: actor.address, detail: row.id });
    return passkeyBody(row);
  }

  /**
   * Takes note that a passkey answered a challenge. The caller has checked its signature.
   * @param counter as the authenticator sent it; 0: it counts nothing
   * @throws ProtocolError sign_in_refused: the challenge was answered before, the counter did not go up (there are two of
   *   the authenticator), or the passkey was removed
   */
  async used(
    passkey: PasskeyRow,
    counter: number,
    challenge: { readonly text: string; readonly expiresAt: Date },
    address: string,
  ): Promise<void> {
    const { db, now, audit } = this.#context;
    const at = now().toISOString();
    const outcome = await db.transaction().execute(async (transaction) => {
      await transaction.deleteFrom("used_challenges").where("expires_at", "<=", at).execute();
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto("used_challenges")
        .values({
          hash: createHash("sha256").update(challenge.text).digest("hex"),
          expires_at: challenge.expiresAt.toISOString(),
        })
        .onConflict((conflict) => conflict.column("hash").doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 0n) return "replayed";
      const current = await transaction
        .selectFrom("passkeys")
        .select("counter")
        .where("id", "=", passkey.id)
        .executeTakeFirst();
      if (current === undefined) return "removed";
      if ((counter > 0 || current.counter > 0) && counter <= current.counter) return "cloned";
      await transaction
        .updateTable("passkeys")
        .set({ counter, last_used_at: at })
        .where("id", "=", passkey.id)
        .execute();
      return "used";
    });
    if (outcome === "used") return;
    audit({ event: `passkey.${outcome}`, address, detail: passkey.id });
    throw new ProtocolError(
      "sign_in_refused",
      outcome === "cloned"
        ? "This passkey may have been copied, and is not accepted: sign in by a different way, and remove it."
        : "This answer was used already: try again.",
    );
  }

  /** The access token that a passkey was made with, as long as it has not ended by itself. @throws ProtocolError token_revoked */
  async parentOf({ parent_id }: PasskeyRow): Promise<TokenId | null> {
    const { db, now, unwritten } = this.#context;
    if (parent_id === null) return null;
    if (unwritten.isRevoked(parent_id)) {
      throw new ProtocolError(
        "token_revoked",
        "The access token that this passkey was made with was revoked.",
      );
    }
    const row = await db
      .selectFrom("access_tokens")
      .select("expires_at")
      .where("id", "=", parent_id)
      .executeTakeFirst();
    return row === undefined || (row.expires_at !== null && row.expires_at <= now().toISOString())
      ? null
      : parent_id;
  }

  /** @throws ProtocolError not_found; forbidden: it is the last thing that the account can sign in with */
  async remove(accountId: AccountId, id: PasskeyId, actor: Actor): Promise<void> {
    const { db, now, audit } = this.#context;
    await db.transaction().execute(async (transaction) => {
      const { numDeletedRows } = await transaction
        .deleteFrom("passkeys")
        .where("id", "=", id)
        .where("account_id", "=", accountId)
        .executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) throw new ProtocolError("not_found", "There is no such passkey.");
      await requireWayIn(transaction, accountId, now());
    });
    audit({ event: "passkey.removed", account: actor.account, address: actor.address, detail: id });
  }
}

/** @throws ProtocolError limit_reached; key_taken: the passkey is registered already */
export async function insertPasskey(
  transaction: Transaction<Tables>,
  passkey: NewPasskey & { readonly accountId: AccountId; readonly parent: TokenId | null },
  now: Date,
): Promise<PasskeyRow> {
  const { count } = await transaction
    .selectFrom("passkeys")
    .select((select) => select.fn.countAll<number>().as("count"))
    .where("account_id", "=", passkey.accountId)
    .executeTakeFirstOrThrow();
  if (Number(count) >= LIMITS.passkeysPerAccount) {
    throw new ProtocolError(
      "limit_reached",
      `An account can have at most ${LIMITS.passkeysPerAccount} passkeys. Remove one first.`,
    );
  }
  const row: PasskeyRow = {
    id: newPasskeyId(),
    account_id: passkey.accountId,
    title: passkey.title,
    credential_id: passkey.credentialId,
    public_key: passkey.publicKey,
    counter: passkey.counter,
    transports: JSON.stringify(passkey.transports),
    parent_id: passkey.parent,
    created_at: now.toISOString(),
    last_used_at: null,
  };
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto("passkeys")
    .values(row)
    .onConflict((conflict) => conflict.column("credential_id").doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 0n) {
    throw new ProtocolError("key_taken", "This passkey is registered already.");
  }
  return row;
}

function passkeyBody({ id, title, created_at, last_used_at }: PasskeyRow): PasskeyInfo {
  return { id, title, createdAt: created_at, lastUsedAt: last_used_at };
}
