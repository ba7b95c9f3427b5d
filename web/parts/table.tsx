// A table with a caption. At narrow widths each row becomes a card, with the column's title before each value.

import type { ComponentChildren } from "preact";
import { t } from "../words.ts";

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** `main` names the row; `number` stands at the right; `actions` has buttons and no visible title. */
  readonly kind?: "main" | "number" | "actions";
}

export interface TableProps<T> {
  readonly caption: string;
  /** The caption is for screen readers only, since a heading says the same. */
  readonly hideCaption?: boolean;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly rowKey: (row: T) => string;
  /** Instead of a table without rows. */
  readonly empty?: ComponentChildren;
}

export function Table<T>({ caption, hideCaption = false, columns, rows, rowKey, empty }: TableProps<T>) {
  if (rows.length === 0) return <>{empty ?? <p class="muted">{t("Nothing here.")}</p>}</>;
  // The roles are what a table has by itself; showing rows as cards would take them away.
  return (
    <div class="table-frame">
      <table role="table">
        <caption class={hideCaption ? "visually-hidden" : undefined}>{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ title, kind }) => (
              <th key={title} role="columnheader" scope="col" class={kind}>
                <span class={kind === "actions" ? "visually-hidden" : undefined}>{title}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map(({ title, kind, cell }) =>
                kind === "main" ? (
                  <th key={title} role="rowheader" scope="row" class={kind}>
                    {cell(row)}
                  </th>
                ) : (
                  <td
                    key={title}
                    role="cell"
                    class={kind}
                    data-title={kind === "actions" ? undefined : title}
                  >
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
