// Uses an invitation up: once, also if two try at the same time. Whatever it gives is written in the same transaction.

import type { Kysely, Transaction } from "kysely";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { InvitationKind } from "../../../protocol/sign-in/api.ts";
import type { InvitationId } from "../../../protocol/values/id.ts";
import type { StoreContext } from "../context.ts";
import type { Tables } from "../database/schema.ts";
import type { InvitationRow } from "../database/sign-in-schema.ts";

/**
 * Uses up an invitation that a browser has opened (gateway/identity/invitations/opened.ts). For the kind `identity` the
 * row's `account_id` is the account that the identity is to be linked with. The caller audits `invitation.used`.
 * @throws ProtocolError token_unknown, token_revoked, token_expired: it is not good any more; bad_request: it is of a
 *   different kind
 */
export async function takeInvitation(
  context: Pick<StoreContext, "now" | "unwritten">,
  transaction: Transaction<Tables>,
  id: InvitationId,
  kind: InvitationKind,
): Promise<InvitationRow> {
  const row = await livingInvitation(context, transaction, { id });
  if (row.kind !== kind) throw new ProtocolError("bad_request", "This link is for something else.");
  // A transaction has the only right to write, so nobody has used it since it was read.
  await transaction
    .updateTable("invitations")
    .set({ used_at: context.now().toISOString() })
    .where("id", "=", id)
    .execute();
  return row;
}

/** The invitation, if it can be used. @throws ProtocolError token_unknown, token_revoked, token_expired, account_disabled */
export async function livingInvitation(
  { now, unwritten }: Pick<StoreContext, "now" | "unwritten">,
  db: Kysely<Tables>,
  by: { readonly id: InvitationId } | { readonly hash: string },
): Promise<InvitationRow> {
  const row = await db
    .selectFrom("invitations")
    .leftJoin("accounts as creator", "creator.id", "invitations.creator_id")
    .leftJoin("accounts as target", "target.id", "invitations.account_id")
    .selectAll("invitations")
    .select(["creator.admin as creator_admin", "creator.disabled as creator_disabled"])
    .select("target.disabled as target_disabled")
    .where((where) => ("id" in by ? where("invitations.id", "=", by.id) : where("hash", "=", by.hash)))
    .executeTakeFirst();
  if (row === undefined) {
    throw new ProtocolError("token_unknown", "This link is not known here: ask for a new one.");
  }
  const { creator_admin, creator_disabled, target_disabled, ...invitation } = row;
  if (row.used_at !== null) {
    throw new ProtocolError("token_revoked", "This link was used already: ask for a new one.");
  }
  if (row.expires_at <= now().toISOString()) {
    throw new ProtocolError("token_expired", "This link has expired: ask for a new one.");
  }
  const byAdmin =
    row.creator_id === null ||
    (creator_admin === 1 && creator_disabled === 0 && !unwritten.isDisabled(row.creator_id));
  if (!byAdmin || (row.parent_id !== null && unwritten.isRevoked(row.parent_id))) {
    throw new ProtocolError("token_revoked", "This link was taken back: ask for a new one.");
  }
  if (target_disabled === 1 || unwritten.isDisabled(row.account_id)) {
    throw new ProtocolError("account_disabled", "This account is disabled: ask an administrator.");
  }
  return invitation;
}
