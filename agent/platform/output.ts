// The form of results on stdout: a table for people, JSON for programs.

import type { Writable } from "node:stream";
import { printable } from "../../protocol/values/printable.ts";

/** A table with its headings. Where `width` is too small, the widest columns are cut, but never the first one. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): string {
  const cells = [headings, ...rows].map((row) => headings.map((_, column) => printable(row[column] ?? "")));
  const widths = headings.map((_, column) =>
    Math.max(...cells.map((row) => [...(row[column] ?? "")].length)),
  );
  const gap = 2;
  const least = headings.map((heading) => Math.max(heading.length, 6));
  for (let total = sum(widths) + gap * (widths.length - 1); width !== undefined && total > width; total--) {
    let widest = -1;
    for (let column = 1; column < widths.length; column++) {
      if ((widths[column] ?? 0) <= (least[column] ?? 0)) continue;
      if (widest === -1 || (widths[column] ?? 0) > (widths[widest] ?? 0)) widest = column;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => padded(cell, widths[column] ?? 0))
          .join(" ".repeat(gap))
          .trimEnd()}\n`,
    )
    .join("");
}

/** The width of the terminal behind a stream, in columns; undefined if there is no terminal, so that pipes get whole lines. */
export function terminalWidth(stream: Writable): number | undefined {
  return "columns" in stream && typeof stream.columns === "number" && stream.columns > 0
    ? stream.columns
    : undefined;
}

export function json(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function padded(cell: string, width: number): string {
  const characters = [...cell];
  if (characters.length <= width) return cell + " ".repeat(width - characters.length);
  return `${characters.slice(0, width - 1).join("")}…`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
