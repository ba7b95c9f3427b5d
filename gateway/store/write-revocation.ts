// Writes a revocation from its contents alone, after the process that it was requested from has ended.

import type { StoreContext } from "./context.ts";
import { revokeDescendants } from "./tokens/token-family.ts";
import type { Revocation } from "./unwritten.ts";

const DETAIL = "requested from a process that has ended since";

/** Does nothing if it is already written. */
export async function writeRevocation(
  { db, now, audit }: Pick<StoreContext, "db" | "now" | "audit">,
  revocation: Revocation,
): Promise<void> {
  switch (revocation.kind) {
    case "workspace-removed": {
      const { id } = revocation;
      const { numDeletedRows } = await db
        .deleteFrom("workspaces")
        .where("id", "=", id)
        .executeTakeFirstOrThrow();
      if (numDeletedRows > 0n) audit({ event: "workspace.removed", workspace: id, detail: DETAIL });
      return;
    }
    case "workspace-frozen": {
      const { id } = revocation;
      const { numUpdatedRows } = await db
        .updateTable("workspaces")
        .set({ frozen_at: now().toISOString() })
        .where("id", "=", id)
        .where("frozen_at", "is", null)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows > 0n) audit({ event: "workspace.frozen", workspace: id, detail: DETAIL });
      return;
    }
    case "share-removed": {
      const { id, accountId } = revocation;
      const { numDeletedRows } = await db
        .deleteFrom("shares")
        .where("workspace_id", "=", id)
        .where("account_id", "=", accountId)
        .executeTakeFirstOrThrow();
      if (numDeletedRows > 0n) audit({ event: "share.removed", workspace: id, detail: DETAIL });
      return;
    }
    case "key-removed": {
      const { accountId, fingerprint } = revocation;
      const { numDeletedRows } = await db
        .deleteFrom("ssh_keys")
        .where("account_id", "=", accountId)
        .where("fingerprint", "=", fingerprint)
        .executeTakeFirstOrThrow();
      if (numDeletedRows > 0n) audit({ event: "key.removed", key: fingerprint, detail: DETAIL });
      return;
    }
    case "key-frozen": {
      const { accountId, fingerprint } = revocation;
      const { numUpdatedRows } = await db
        .updateTable("ssh_keys")
        .set({ frozen_at: now().toISOString() })
        .where("account_id", "=", accountId)
        .where("fingerprint", "=", fingerprint)
        .where("frozen_at", "is", null)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows > 0n) audit({ event: "key.frozen", key: fingerprint, detail: DETAIL });
      return;
    }
    case "token-revoked": {
      const { tokenId: id } = revocation;
      const at = now().toISOString();
      const revoked = await db.transaction().execute(async (transaction) => {
        const tables: string[] = [];
        for (const table of ["access_tokens", "owner_tokens"] as const) {
          const { numUpdatedRows } = await transaction
            .updateTable(table)
            .set({ revoked_at: at })
            .where("id", "=", id)
            .where("revoked_at", "is", null)
            .executeTakeFirstOrThrow();
          if (numUpdatedRows > 0n) tables.push(table);
        }
        await revokeDescendants(transaction, id, at);
        return tables;
      });
      for (const table of revoked) {
        const event = table === "access_tokens" ? "token.revoked" : "owner-token.revoked";
        audit({ event, token: id, detail: DETAIL });
      }
      return;
    }
    case "account-disabled": {
      const { accountId: id } = revocation;
      const account = await db
        .updateTable("accounts")
        .set({ disabled: 1 })
        .where("id", "=", id)
        .where("disabled", "=", 0)
        .returning("name")
        .executeTakeFirst();
      if (account !== undefined) audit({ event: "account.disabled", detail: `${account.name}: ${DETAIL}` });
    }
  }
}
