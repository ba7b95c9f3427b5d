// Device codes (RFC 8628): a program without a browser shows a short code, and a person types it into a page. Strangers can
// make these rows, so there are few and they are short-lived; and nobody can try many short codes.

import { randomInt } from "node:crypto";
import type { Transaction } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import {
  OAUTH_LIFETIMES,
  type OAuthClient,
  type OAuthScope,
  parseUserCode,
  USER_CODE_ALPHABET,
} from "../../../protocol/sign-in/oauth.ts";
import { addressBlock } from "../../../protocol/values/address-block.ts";
import type { AccountId, TokenId } from "../../../protocol/values/id.ts";
import { hashToken, newOneUseCode, type OneUseCode } from "../../../protocol/values/token.ts";
import { LIMITS, type StoreContext } from "../context.ts";
import type { Tables } from "../database/schema.ts";
import type { DeviceCodeRow } from "../database/sign-in-schema.ts";
import { formatScopes } from "../tokens/scopes.ts";
import { after } from "./lifetimes.ts";

/** An expired code is kept for so long, so that its device is told. Seconds. */
const REMEMBERED = 600;
/** Wrong tries count for so long. Seconds. */
const TRY_WINDOW = 600;
/** RFC 8628 §3.5: a device that polls too often has to wait so much longer each time, up to a bound. Seconds. */
const SLOWER = 5;
const SLOWEST = 60;

export interface WantedDeviceCode {
  readonly client: OAuthClient;
  readonly device: string;
  readonly scopes: readonly OAuthScope[];
  readonly address: string;
}

/** Who types a user code. */
export interface Typist {
  readonly accountId: AccountId;
  readonly account: string;
  readonly sessionId: TokenId;
  readonly address: string;
}

export type DevicePoll =
  | { readonly kind: "unknown" | "expired" | "denied" | "pending" | "slow_down" }
  | {
      readonly kind: "approved";
      readonly row: DeviceCodeRow;
      readonly accountId: AccountId;
      readonly sessionId: TokenId;
    };

export class DeviceCodes {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** @throws ProtocolError rate_limited: too many codes are waiting, of everybody or of this address */
  async create(wanted: WantedDeviceCode): Promise<{ deviceCode: OneUseCode; userCode: string }> {
    const { db, now } = this.#context;
    const time = now();
    const deviceCode = newOneUseCode();
    const block = addressBlock(wanted.address);
    // Strangers who come too often must not take the database's write lock.
    await requireRoom(db, block, time);
    return await db.transaction().execute(async (transaction) => {
      await forgetOld(transaction, time);
      await requireRoom(transaction, block, time);
      const userCode = await freeUserCode(transaction);
      await transaction
        .insertInto("device_codes")
        .values({
          hash: hashToken(deviceCode),
          user_code: userCode,
          client: wanted.client,
          device: wanted.device,
          scopes: formatScopes(wanted.scopes),
          address: wanted.address,
          address_block: block,
          created_at: time.toISOString(),
          expires_at: after(time, OAUTH_LIFETIMES.deviceCode),
          polled_at: null,
          interval_s: OAUTH_LIFETIMES.devicePollInterval,
          state: "pending",
          account_id: null,
          session_id: null,
        })
        .execute();
      return { deviceCode, userCode };
    });
  }

  /**
   * The pending code that a person has typed. Wrong ones are counted.
   * @throws ProtocolError not_found; rate_limited: this account, this address or everybody typed too many wrong ones
   */
  async find(typed: string, typist: Typist): Promise<DeviceCodeRow> {
    return await this.#typed(typed, typist, (transaction, userCode, at) =>
      transaction
        .selectFrom("device_codes")
        .selectAll()
        .where("user_code", "=", userCode)
        .where("state", "=", "pending")
        .where("expires_at", ">", at)
        .executeTakeFirst(),
    );
  }

  /**
   * Approves or denies a pending code. It throws the same errors.
   * @param scopes what the device gets; null: nothing, it is denied
   */
  async decide(typed: string, typist: Typist, scopes: readonly OAuthScope[] | null): Promise<void> {
    const row = await this.#typed(typed, typist, (transaction, userCode, at) =>
      transaction
        .updateTable("device_codes")
        .set({
          account_id: typist.accountId,
          session_id: typist.sessionId,
          ...(scopes === null ? { state: "denied" } : { state: "approved", scopes: formatScopes(scopes) }),
        })
        .where("user_code", "=", userCode)
        .where("state", "=", "pending")
        .where("expires_at", ">", at)
        .returningAll()
        .executeTakeFirst(),
    );
    this.#context.audit({
      event: scopes === null ? "device-code.denied" : "device-code.approved",
      account: typist.account,
      address: typist.address,
      detail: `${row.device} at ${row.address}`,
    });
  }

  /** What a device gets that asks with its code. An approved code is used up by that: one of several that ask gets it. */
  async poll(deviceCode: OneUseCode, client: OAuthClient): Promise<DevicePoll> {
    const { db, now } = this.#context;
    const time = now();
    const at = time.toISOString();
    const row = await db
      .selectFrom("device_codes")
      .selectAll()
      .where("hash", "=", hashToken(deviceCode))
      .where("client", "=", client)
      .executeTakeFirst();
    if (row === undefined) return { kind: "unknown" };
    if (row.expires_at <= at) return { kind: "expired" };
    if (row.state === "denied") return { kind: "denied" };
    if (row.state === "approved") return await this.#take(row);
    const isEarly = row.polled_at !== null && after(new Date(row.polled_at), row.interval_s) > at;
    const interval = isEarly ? Math.min(row.interval_s + SLOWER, SLOWEST) : row.interval_s;
    // A device in a tight loop writes a few times only.
    if (!isEarly || interval !== row.interval_s) {
      await db
        .updateTable("device_codes")
        .set(isEarly ? { interval_s: interval } : { polled_at: at })
        .where("hash", "=", row.hash)
        .execute();
    }
    return { kind: isEarly ? "slow_down" : "pending" };
  }

  async #take({ hash }: DeviceCodeRow): Promise<DevicePoll> {
    const row = await this.#context.db
      .deleteFrom("device_codes")
      .where("hash", "=", hash)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined || row.account_id === null || row.session_id === null) return { kind: "unknown" };
    return { kind: "approved", row, accountId: row.account_id, sessionId: row.session_id };
  }

  async prune(): Promise<void> {
    await forgetOld(this.#context.db, this.#context.now());
  }

  async #typed(
    typed: string,
    { accountId, account, address }: Typist,
    find: (
      transaction: Transaction<Tables>,
      userCode: string,
      at: string,
    ) => Promise<DeviceCodeRow | undefined>,
  ): Promise<DeviceCodeRow> {
    const { db, now, audit } = this.#context;
    const time = now();
    const found = await db.transaction().execute(async (transaction) => {
      await requireTriesLeft(transaction, accountId, addressBlock(address), time);
      const userCode = parseUserCode(typed);
      const row = userCode === undefined ? undefined : await find(transaction, userCode, time.toISOString());
      if (row === undefined) {
        await transaction
          .insertInto("device_code_tries")
          .values({
            account_id: accountId,
            address_block: addressBlock(address),
            tried_at: time.toISOString(),
          })
          .execute();
      }
      return row;
    });
    if (found !== undefined) return found;
    audit({ event: "device-code.unknown", account, address });
    throw new ProtocolError(
      "not_found",
      "No device waits with this code: it may have expired. Compare it with what the device shows.",
      { field: "userCode" },
    );
  }
}

async function forgetOld(db: StoreContext["db"], time: Date): Promise<void> {
  await db.deleteFrom("device_codes").where("expires_at", "<", after(time, -REMEMBERED)).execute();
  await db.deleteFrom("device_code_tries").where("tried_at", "<", after(time, -TRY_WINDOW)).execute();
}

/** @throws ProtocolError rate_limited */
async function requireRoom(db: StoreContext["db"], block: string, time: Date): Promise<void> {
  const living = () =>
    db
      .selectFrom("device_codes")
      .select((select) => select.fn.countAll<number>().as("count"))
      .where("expires_at", ">", time.toISOString());
  const { count: all } = await living().executeTakeFirstOrThrow();
  const { count: own } = await living().where("address_block", "=", block).executeTakeFirstOrThrow();
  if (Number(all) < LIMITS.deviceCodes && Number(own) < LIMITS.deviceCodesPerAddress) return;
  throw new ProtocolError("rate_limited", "Too many device codes are waiting: try again in some minutes.");
}

/** Counted in the database, so that all processes of a gateway count together. @throws ProtocolError rate_limited */
async function requireTriesLeft(
  transaction: Transaction<Tables>,
  accountId: AccountId,
  block: string,
  time: Date,
): Promise<void> {
  const tries = () =>
    transaction
      .selectFrom("device_code_tries")
      .select((select) => select.fn.countAll<number>().as("count"))
      .where("tried_at", ">", after(time, -TRY_WINDOW));
  const [byAccount, byAddress, all] = [
    await tries().where("account_id", "=", accountId).executeTakeFirstOrThrow(),
    await tries().where("address_block", "=", block).executeTakeFirstOrThrow(),
    await tries().executeTakeFirstOrThrow(),
  ];
  if (
    Number(byAccount.count) < LIMITS.deviceCodeTriesPerAccount &&
    Number(byAddress.count) < LIMITS.deviceCodeTriesPerAddress &&
    Number(all.count) < LIMITS.deviceCodeTries
  )
    return;
  throw new ProtocolError("rate_limited", "Too many wrong codes were typed: wait ten minutes.");
}

/** 20^8 codes for at most 1,000 rows: a second attempt is rare, and a third one is not seen. */
async function freeUserCode(transaction: Transaction<Tables>): Promise<string> {
  for (;;) {
    const letters = Array.from({ length: 8 }, () => USER_CODE_ALPHABET[randomInt(USER_CODE_ALPHABET.length)]);
    const code = `${letters.slice(0, 4).join("")}-${letters.slice(4).join("")}`;
    const taken = await transaction
      .selectFrom("device_codes")
      .select("hash")
      .where("user_code", "=", code)
      .executeTakeFirst();
    if (taken === undefined) return code;
  }
}
