// Schemas for ids whose checked values have the ids' branded types. The API's schemas (fields.ts) have plain text instead,
// since what the agent reads is parsed where it is used.

import { Type } from "typebox";
import { type AccountId, type ConnectionId, ID_PATTERN, type TokenId, type WorkspaceId } from "./id.ts";

export const WorkspaceIdSchema = Type.Unsafe<WorkspaceId>({ type: "string", pattern: ID_PATTERN.workspace });
export const AccountIdSchema = Type.Unsafe<AccountId>({ type: "string", pattern: ID_PATTERN.account });
export const ConnectionIdSchema = Type.Unsafe<ConnectionId>({
  type: "string",
  pattern: ID_PATTERN.connection,
});
export const TokenIdSchema = Type.Unsafe<TokenId>({ type: "string", pattern: ID_PATTERN.token });
