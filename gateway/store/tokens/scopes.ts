// An access token's scopes as the database stores them: a JSON list.

import { type Scope, TOKEN_SCOPES } from "../../../protocol/api.ts";

export function formatScopes(scopes: readonly Scope[]): string {
  return JSON.stringify(TOKEN_SCOPES.filter((scope) => scopes.includes(scope)));
}

/** A scope that this version does not know grants nothing. */
export function parseScopes(text: string): Scope[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? TOKEN_SCOPES.filter((scope) => value.includes(scope)) : [];
}
