// A change of the gateway's durable state that live connections must follow, in this process and in the
// others of the same gateway. The type is derived from the schema, so that every kind that compiles passes
// between processes too.

import { type Static, type TProperties, Type } from "typebox";
import { AccountIdSchema, TokenIdSchema, WorkspaceIdSchema } from "../protocol/values/id-schema.ts";

const change = <K extends string, P extends TProperties>(kind: K, properties: P) =>
  Type.Object({ kind: Type.Literal(kind), ...properties }, { additionalProperties: false });

export const DirectoryChange = Type.Union([
  change("keys", { workspaceIds: Type.Array(WorkspaceIdSchema) }),
  /** `accountless`: it belongs to no account, so its id is a secret. */
  change("workspace", { id: WorkspaceIdSchema, accountless: Type.Optional(Type.Boolean()) }),
  change("workspace-removed", { id: WorkspaceIdSchema }),
  change("share-removed", { id: WorkspaceIdSchema, accountId: AccountIdSchema }),
  /** The workspaces that are offered to an account have changed. */
  change("offers", { accountId: AccountIdSchema }),
  change("key-removed", { accountId: AccountIdSchema, fingerprint: Type.String({ maxLength: 100 }) }),
  change("key-frozen", { accountId: AccountIdSchema, fingerprint: Type.String({ maxLength: 100 }) }),
  change("key-unfrozen", { accountId: AccountIdSchema, fingerprint: Type.String({ maxLength: 100 }) }),
  change("workspace-frozen", { id: WorkspaceIdSchema }),
  change("workspace-unfrozen", { id: WorkspaceIdSchema }),
  /** An access token or an owner token. */
  change("token-revoked", { tokenId: TokenIdSchema }),
  change("account-disabled", { accountId: AccountIdSchema }),
  change("account-enabled", { accountId: AccountIdSchema }),
]);
/**
 * Delivered once it is durable; revocations also before, while the disk cannot be written
 * (store/unwritten.ts).
 */
export type DirectoryChange = Static<typeof DirectoryChange>;
