// What one process of a gateway asks all others, and what they answer: about the connections that each of them has.

import { type Static, type TProperties, Type } from "typebox";
import { ConnectionKind } from "../../protocol/admin-api.ts";
import { Nullable } from "../../protocol/values/fields.ts";
import {
  AccountIdSchema,
  ConnectionIdSchema,
  TokenIdSchema,
  WorkspaceIdSchema,
} from "../../protocol/values/id-schema.ts";

const object = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
/** null: of all accounts. */
const streams = { workspaceId: WorkspaceIdSchema, accountId: Nullable(AccountIdSchema) };

export const SiblingQuestion = Type.Union([
  object({ kind: Type.Literal("connections"), ...streams }),
  object({ kind: Type.Literal("end-connection"), ...streams, id: ConnectionIdSchema }),
]);
export type SiblingQuestion = Static<typeof SiblingQuestion>;

/** The most connections that one answer has. */
export const MAX_CONNECTIONS = 1_000;

export const SiblingAnswer = Type.Union([
  object({
    kind: Type.Literal("connections"),
    connections: Type.Array(
      object({
        id: ConnectionIdSchema,
        how: ConnectionKind,
        accountId: Nullable(AccountIdSchema),
        tokenId: Nullable(TokenIdSchema),
        key: Nullable(Type.String({ maxLength: 100 })),
        address: Type.String({ maxLength: 100 }),
        since: Type.Integer({ minimum: 0 }),
      }),
      { maxItems: MAX_CONNECTIONS },
    ),
    more: Type.Boolean(),
  }),
  object({ kind: Type.Literal("end-connection"), ended: Nullable(ConnectionKind) }),
]);
export type SiblingAnswer = Static<typeof SiblingAnswer>;
