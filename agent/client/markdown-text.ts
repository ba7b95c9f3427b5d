// Text that others chose, on its way into a page that is rendered: a gateway's words, a path on another machine.

import { printable } from "../../protocol/values/printable.ts";

/**
 * Markdown that shows the text and does nothing: no HTML, no link, no picture that is fetched from somewhere, no other
 * cell of a table, no formula. The backslash comes along, or one in the text would take back the one that stands for it
 * here. Backticks stay: within a code span nothing does anything.
 */
export function markdownText(text: string): string {
  return printable(text).replace(/[\\<>[\]|&$]/g, (character) => `\\${character}`);
}
