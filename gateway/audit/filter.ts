// Which lines of the audit log somebody asks for.

import { type Expression, type SqlBool, sql } from "kysely";

/** Every given part must match. */
export interface AuditCondition {
  /** The beginning of the event's name. */
  readonly event?: string | undefined;
  readonly account?: string | undefined;
  readonly workspace?: string | undefined;
  readonly address?: string | undefined;
  readonly code?: string | undefined;
  /** Included. */
  readonly from?: Date | undefined;
  /** Excluded. */
  readonly to?: Date | undefined;
}

export function conditionsOf({ event, from, to, ...exact }: AuditCondition): Expression<SqlBool>[] {
  const conditions: Expression<SqlBool>[] = [];
  // Events have letters, digits, dots and dashes only, so that "~" sorts behind whatever follows the prefix.
  if (event !== undefined) conditions.push(sql`event >= ${event} and event < ${`${event}~`}`);
  for (const column of ["account", "workspace", "address", "code"] as const) {
    const value = exact[column];
    if (value !== undefined) conditions.push(sql`${sql.ref(column)} = ${value}`);
  }
  if (from !== undefined) conditions.push(sql`time >= ${from.toISOString()}`);
  if (to !== undefined) conditions.push(sql`time < ${to.toISOString()}`);
  return conditions;
}
