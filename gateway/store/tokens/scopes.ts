// An access token's scopes as the database stores them: a JSON list.

import { SCOPES, type Scope } from "../../../protocol/api.ts";

export function formatScopes(scopes: readonly Scope[]): string {
  return JSON.stringify(SCOPES.filter((scope) => scopes.includes(scope)));
}

/** A scope that this version does not know grants nothing. */
export function parseScopes(text: string): Scope[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? SCOPES.filter((scope) => value.includes(scope)) : [];
}
