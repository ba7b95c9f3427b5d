// Pending keys: public keys that an account has named but not proved yet. Anybody can name a public key, so
// until it is proved it opens nothing, other accounts may name it as well, and only the account itself learns
// of it. A key belongs to the first account that proves it.

import { randomBytes, randomInt } from "node:crypto";
import type { AddedKey, Key, PendingKey } from "../../../protocol/api.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { PROOF_CODE_ALPHABET, parseProofCode } from "../../../protocol/key-proof.ts";
import { type AccountId, type KeyId, newKeyId } from "../../../protocol/values/id.ts";
import { isName, type Name } from "../../../protocol/values/name.ts";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { type Actor, LIMITS, type StoreContext } from "../context.ts";
import type { PendingKeyRow } from "../database/schema.ts";
import type { Durability } from "../unwritten.ts";
import type { SshKeys } from "./ssh-keys.ts";

/** Long enough for a person who has to touch or unlock a key before it signs. */
const NONCE_MS = 10 * 60_000;
const PENDING_MS = 7 * 86_400_000;

export class PendingKeys {
  readonly #context: StoreContext;
  readonly #keys: SshKeys;

  constructor(context: StoreContext, keys: SshKeys) {
    this.#context = context;
    this.#keys = keys;
  }

  /**
   * Adds a pending key, or gives the one that is there a new nonce. The answer is the same whether or not
   * another account has the key.
   * @throws ProtocolError key_taken: this account has already proved it; limit_reached; bad_key
   */
  async add(accountId: AccountId, key: SshPublicKey, title: string, actor: Actor): Promise<AddedKey> {
    const { db, audit } = this.#context;
    if (key.options !== "") {
      throw new ProtocolError("bad_key", "Send the key without authorized_keys options.", {
        field: "publicKey",
      });
    }
    const now = this.#context.now();
    const fresh = {
      title,
      nonce: randomBytes(32).toString("base64url"),
      nonce_expires_at: new Date(now.getTime() + NONCE_MS).toISOString(),
      expires_at: new Date(now.getTime() + PENDING_MS).toISOString(),
    };
    const { row, name, renewed } = await db.transaction().execute(async (transaction) => {
      const account = await transaction
        .selectFrom("accounts")
        .select("name")
        .where("id", "=", accountId)
        .executeTakeFirst();
      if (account === undefined) throw new ProtocolError("not_found", "There is no such account.");
      const own = await transaction
        .selectFrom("ssh_keys")
        .select("id")
        .where("fingerprint", "=", key.fingerprint)
        .where("account_id", "=", accountId)
        // A key from before proofs were required stays valid, and may be proved now.
        .where("proved_at", "is not", null)
        .executeTakeFirst();
      if (own !== undefined) {
        throw new ProtocolError("key_taken", "You have already added this key.", { field: "publicKey" });
      }
      await transaction
        .deleteFrom("pending_keys")
        .where("account_id", "=", accountId)
        .where("expires_at", "<=", now.toISOString())
        .execute();
      const before = await transaction
        .updateTable("pending_keys")
        .set(fresh)
        .where("account_id", "=", accountId)
        .where("fingerprint", "=", key.fingerprint)
        .returningAll()
        .executeTakeFirst();
      if (before !== undefined) return { row: before, name: account.name, renewed: true };
      const { count } = await transaction
        .selectFrom("pending_keys")
        .select((select) => select.fn.countAll<number>().as("count"))
        .where("account_id", "=", accountId)
        .executeTakeFirstOrThrow();
      if (Number(count) >= LIMITS.pendingKeysPerAccount) {
        throw new ProtocolError(
          "limit_reached",
          `${LIMITS.pendingKeysPerAccount} keys of this account wait to be proved. Prove or remove one first.`,
        );
      }
      const row: PendingKeyRow = {
        id: newKeyId(),
        account_id: accountId,
        type: key.type,
        blob: key.blob,
        fingerprint: key.fingerprint,
        code: newCode(),
        created_at: now.toISOString(),
        ...fresh,
      };
      await transaction.insertInto("pending_keys").values(row).execute();
      return { row, name: account.name, renewed: false };
    });
    if (!renewed) {
      audit({ event: "key.pending", account: actor.account, address: actor.address, key: key.fingerprint });
    }
    return { ...pendingBody(row, name), nonce: fresh.nonce };
  }

  async list(accountId: AccountId): Promise<PendingKey[]> {
    const rows = await this.#context.db
      .selectFrom("pending_keys")
      .innerJoin("accounts", "accounts.id", "pending_keys.account_id")
      .selectAll("pending_keys")
      .select("accounts.name")
      .where("account_id", "=", accountId)
      .where("expires_at", ">", this.#context.now().toISOString())
      .orderBy("pending_keys.created_at")
      .orderBy("pending_keys.id")
      .execute();
    return rows.map((row) => pendingBody(row, row.name));
  }

  /** @throws ProtocolError not_found */
  async remove(accountId: AccountId, id: KeyId, actor: Actor): Promise<Durability> {
    const row = await this.#context.db
      .deleteFrom("pending_keys")
      .where("id", "=", id)
      .where("account_id", "=", accountId)
      .returning("fingerprint")
      .executeTakeFirst();
    if (row === undefined) throw new ProtocolError("not_found", "There is no such key.");
    const { account, address } = actor;
    this.#context.audit({ event: "key.removed", account, address, key: row.fingerprint, detail: "pending" });
    return "written";
  }

  /**
   * Adds the key to the account if `isProof` accepts the signature over its nonce. The nonce is used up
   * either way.
   * @throws ProtocolError not_found, bad_proof, limit_reached; key_taken, only after a good proof
   */
  async prove(
    accountId: AccountId,
    id: KeyId,
    isProof: (pending: Pick<PendingKeyRow, "type" | "blob" | "fingerprint" | "nonce">) => boolean,
    actor: Actor,
  ): Promise<Key> {
    const { db, now, audit } = this.#context;
    const row = await db
      .selectFrom("pending_keys")
      .selectAll()
      .where("id", "=", id)
      .where("account_id", "=", accountId)
      .where("expires_at", ">", now().toISOString())
      .executeTakeFirst();
    if (row === undefined) throw new ProtocolError("not_found", "No such key is waiting to be proved.");
    // If two requests use one nonce, the second finds it used up.
    const { numUpdatedRows } = await db
      .updateTable("pending_keys")
      .set({ nonce: "" })
      .where("id", "=", id)
      .where("nonce", "=", row.nonce)
      .where("nonce", "!=", "")
      .where("nonce_expires_at", ">", now().toISOString())
      .executeTakeFirst();
    const { account, address } = actor;
    const refuse = (message: string): ProtocolError => {
      audit({ event: "key.refused", account, address, key: row.fingerprint, code: "bad_proof" });
      return new ProtocolError("bad_proof", message, { field: "signature" });
    };
    if (numUpdatedRows !== 1n) throw refuse("The nonce was used before or is too old. Add the key again.");
    if (!isProof(row)) {
      throw refuse(
        "The signature does not prove this key for this account at this gateway. Add the key again.",
      );
    }
    return await this.#keys.accept(row, actor);
  }

  /** Whether any account has named this key. The SSH port asks when a client wants to prove a key. */
  async isNamed(fingerprint: string): Promise<boolean> {
    const row = await this.#context.db
      .selectFrom("pending_keys")
      .select("id")
      .where("fingerprint", "=", fingerprint)
      .where("expires_at", ">", this.#context.now().toISOString())
      .executeTakeFirst();
    return row !== undefined;
  }

  /**
   * Adds a key whose holder has signed in by SSH to prove it, and has typed the code that the account was
   * shown.
   * @throws ProtocolError bad_proof, account_disabled, key_taken, limit_reached
   */
  async confirm(fingerprint: string, typed: string, address: string | undefined): Promise<Name> {
    const code = parseProofCode(typed);
    const name = code?.split("/", 1)[0];
    const row =
      code === undefined || !isName(name)
        ? undefined
        : await this.#context.db
            .selectFrom("pending_keys")
            .innerJoin("accounts", "accounts.id", "pending_keys.account_id")
            .selectAll("pending_keys")
            .select(["accounts.name", "accounts.disabled"])
            .where("accounts.name", "=", name)
            .where("pending_keys.fingerprint", "=", fingerprint)
            .where("pending_keys.code", "=", code.slice(name.length + 1))
            .where("pending_keys.expires_at", ">", this.#context.now().toISOString())
            .executeTakeFirst();
    if (row === undefined) throw new ProtocolError("bad_proof", "This is not the code for this key.");
    if (row.disabled === 1) {
      throw new ProtocolError("account_disabled", `The account ${row.name} is disabled.`);
    }
    await this.#keys.accept(row, { account: row.name, address });
    return row.name;
  }

  async prune(): Promise<void> {
    await this.#context.db
      .deleteFrom("pending_keys")
      .where("expires_at", "<=", this.#context.now().toISOString())
      .execute();
  }
}

function newCode(): string {
  const letters = Array.from({ length: 8 }, () => PROOF_CODE_ALPHABET[randomInt(PROOF_CODE_ALPHABET.length)]);
  return `${letters.slice(0, 4).join("")}-${letters.slice(4).join("")}`;
}

function pendingBody(row: PendingKeyRow, account: Name): PendingKey {
  return {
    id: row.id,
    title: row.title,
    type: row.type,
    fingerprint: row.fingerprint,
    publicKey: `${row.type} ${row.blob}`,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    code: `${account}/${row.code}`,
  };
}
