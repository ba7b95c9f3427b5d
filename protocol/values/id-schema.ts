// The ids as schemas: what a checked value has in such a place is an id, and not merely text.

import { Type } from "typebox";
import { type AccountId, ID_PATTERN, type TokenId, type WorkspaceId } from "./id.ts";

export const WorkspaceIdSchema = Type.Unsafe<WorkspaceId>({ type: "string", pattern: ID_PATTERN.workspace });
export const AccountIdSchema = Type.Unsafe<AccountId>({ type: "string", pattern: ID_PATTERN.account });
export const TokenIdSchema = Type.Unsafe<TokenId>({ type: "string", pattern: ID_PATTERN.token });
