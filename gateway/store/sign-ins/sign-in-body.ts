// A sign-in as its account sees it in the list of signed-in devices.

import type { SignInInfo } from "../../../protocol/sign-in/api.ts";
import type { TokenId } from "../../../protocol/values/id.ts";
import type { AccessTokenRow } from "../database/schema.ts";
import type { SignInRow } from "../database/sign-in-schema.ts";
import { parseScopes } from "../tokens/scopes.ts";
import { earlier } from "../tokens/token-family.ts";

export function signInBody(row: AccessTokenRow & SignInRow, current: TokenId | undefined): SignInInfo {
  return {
    id: row.id,
    kind: row.kind === "browser" ? "browser" : "client",
    client: row.client,
    device: row.device,
    method: row.method,
    provider: row.provider,
    scopes: parseScopes(row.scopes),
    createdAt: row.created_at,
    expiresAt: endOf(row),
    lastUsedAt: row.last_used_at,
    lastUsedFrom: row.last_used_from,
    current: row.id === current,
  };
}

/** When a sign-in ends if it is not used again: ISO 8601. */
export function endOf(row: Pick<AccessTokenRow & SignInRow, "expires_at" | "idle_expires_at">): string {
  return earlier(row.expires_at, row.idle_expires_at) ?? row.idle_expires_at;
}
