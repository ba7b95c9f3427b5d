// Whether an account is an administrator's, where the rules for an identity provider decide it.

import type { Transaction } from "kysely";
import type { AccountId } from "../../../protocol/values/id.ts";
import { type Actor, flag, type StoreContext } from "../context.ts";
import type { Tables } from "../database/schema.ts";

/** `last`: it had to stay an administrator's. */
export type RoleOutcome = "unchanged" | "changed" | "last";

/**
 * Sets what the provider says now. The last enabled administrator stays one, so that `gateway admin-token` always has an
 * account to make a token for.
 */
export async function setRole(
  { db, audit }: StoreContext,
  accountId: AccountId,
  admin: boolean,
  provider: string,
  actor: Actor,
): Promise<RoleOutcome> {
  const outcome = await db.transaction().execute(async (transaction): Promise<RoleOutcome> => {
    const account = await transaction
      .selectFrom("accounts")
      .selectAll()
      .where("id", "=", accountId)
      .executeTakeFirstOrThrow();
    const isLast = account.admin === 1 && !admin && !(await hasOtherAdmin(transaction, accountId));
    const decided = flag(admin || isLast);
    if (account.role_from !== provider || account.admin !== decided) {
      await transaction
        .updateTable("accounts")
        .set({ admin: decided, role_from: provider })
        .where("id", "=", accountId)
        .execute();
    }
    if (isLast) return "last";
    return account.admin === decided ? "unchanged" : "changed";
  });
  if (outcome === "changed") {
    audit({
      event: admin ? "account.promoted" : "account.demoted",
      account: actor.account,
      address: actor.address,
      detail: `${actor.account}, by the provider ${provider}`,
    });
  }
  return outcome;
}

/** @param deciding the ids of the providers that still decide it */
export async function releaseRoles({ db }: StoreContext, deciding: readonly string[]): Promise<void> {
  let query = db.updateTable("accounts").set({ role_from: null }).where("role_from", "is not", null);
  if (deciding.length > 0) query = query.where("role_from", "not in", deciding);
  await query.execute();
}

async function hasOtherAdmin(transaction: Transaction<Tables>, accountId: AccountId): Promise<boolean> {
  const other = await transaction
    .selectFrom("accounts")
    .select("id")
    .where("admin", "=", 1)
    .where("disabled", "=", 0)
    .where("id", "!=", accountId)
    .limit(1)
    .executeTakeFirst();
  return other !== undefined;
}
