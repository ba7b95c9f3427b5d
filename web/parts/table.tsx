// A table with a caption. At narrow widths each row becomes a card, with the column's title before each value.

import type { ComponentChildren } from "preact";
import { t } from "../words.ts";

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** `main` names the row; `number` stands at the right; `actions` has buttons and no visible title. */
  readonly kind?: "main" | "number" | "actions";
  /** How much of the width a column of a long list gets, compared with the others; 1 if it is missing. */
  readonly share?: number;
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

// The roles are what a table has by itself; showing rows as cards would take them away.

export function Table<T>({ caption, hideCaption = false, columns, rows, rowKey, empty }: TableProps<T>) {
  if (rows.length === 0) return <>{empty ?? <p class="muted">{t("Nothing here.")}</p>}</>;
  return (
    <div class="table-frame">
      <table role="table">
        <caption class={hideCaption ? "visually-hidden" : undefined}>{caption}</caption>
        <TableHead columns={columns} />
        <tbody role="rowgroup">
          {rows.map((row) => (
            <TableRow key={rowKey(row)} row={row} columns={columns} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** `index`: the place of the row of titles in a list that is not whole in the page, from 1. */
export function TableHead<T>({
  columns,
  index,
}: {
  readonly columns: readonly Column<T>[];
  readonly index?: number;
}) {
  const shares = columns.reduce((sum, { share = 1 }) => sum + share, 0);
  return (
    <thead role="rowgroup">
      <tr role="row" aria-rowindex={index}>
        {columns.map(({ title, kind, share = 1 }) => (
          <th
            key={title}
            role="columnheader"
            scope="col"
            class={kind}
            {...(index === undefined ? {} : { style: { width: `${(share / shares) * 100}%` } })}
          >
            <span class={kind === "actions" ? "visually-hidden" : undefined}>{title}</span>
          </th>
        ))}
      </tr>
    </thead>
  );
}

export interface TableRowProps<T> {
  readonly row: T;
  readonly columns: readonly Column<T>[];
  /** As in `TableHead`. */
  readonly index?: number;
  /** The row's key, to find it in the page. */
  readonly name?: string;
}

export function TableRow<T>({ row, columns, index, name }: TableRowProps<T>) {
  return (
    <tr role="row" aria-rowindex={index} data-key={name}>
      {columns.map(({ title, kind, cell }) =>
        kind === "main" ? (
          <th key={title} role="rowheader" scope="row" class={kind}>
            {cell(row)}
          </th>
        ) : (
          <td key={title} role="cell" class={kind} data-title={kind === "actions" ? undefined : title}>
            {cell(row)}
          </td>
        ),
      )}
    </tr>
  );
}
