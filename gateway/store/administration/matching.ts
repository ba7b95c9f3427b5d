// How a filter of a list for administrators matches.

import { type Expression, type SqlBool, sql } from "kysely";

/** Whether a column contains the text, without regard to case. Nothing in the text has a special meaning. */
export function matching(column: "accounts.name" | "workspaces.name", text: string): Expression<SqlBool> {
  const pattern = `%${text.toLowerCase().replace(/[\\%_]/g, "\\$&")}%`;
  return sql<SqlBool>`lower(${sql.ref(column)}) like ${pattern} escape '\\'`;
}
