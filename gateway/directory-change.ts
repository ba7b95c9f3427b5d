// What has changed in the gateway's durable state, as live connections have to follow it, here and in the other processes
// of the same gateway. The type comes from the schema: a new kind that compiles is also one that other processes take.

import { type Static, type TProperties, Type } from "typebox";
import { AccountIdSchema, TokenIdSchema, WorkspaceIdSchema } from "../protocol/values/id-schema.ts";

const change = <K extends string, P extends TProperties>(kind: K, properties: P) =>
  Type.Object({ kind: Type.Literal(kind), ...properties }, { additionalProperties: false });

export const DirectoryChange = Type.Union([
  change("keys", { workspaceIds: Type.Array(WorkspaceIdSchema) }),
  /** `open`: it belongs to no account, so its id is a secret. */
  change("workspace", { id: WorkspaceIdSchema, open: Type.Optional(Type.Boolean()) }),
  change("workspace-removed", { id: WorkspaceIdSchema }),
  change("share-removed", { id: WorkspaceIdSchema, accountId: AccountIdSchema }),
  /** What has been offered to an account and waits for its answer. */
  change("offers", { accountId: AccountIdSchema }),
  change("key-removed", { accountId: AccountIdSchema, fingerprint: Type.String({ maxLength: 100 }) }),
  /** An access token or an owner token. */
  change("token-revoked", { tokenId: TokenIdSchema }),
  change("account-disabled", { accountId: AccountIdSchema }),
  change("account-enabled", { accountId: AccountIdSchema }),
]);
/** Delivered after it is durable; a revocation that the disk does not take also before (store/unwritten.ts). */
export type DirectoryChange = Static<typeof DirectoryChange>;
