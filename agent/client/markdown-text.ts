// Escapes text that others chose (a gateway's words, a path on another machine) for a page that is rendered.

import { printable } from "../../protocol/values/printable.ts";

/** Returns Markdown that shows the text and does nothing else: no HTML, no link, no image that is fetched, no new table
 * cell, no formula. Backslashes are escaped too, since one in the text would undo the escape that follows it. Backticks
 * stay: inside a code span nothing has an effect.
 */
export function markdownText(text: string): string {
  return printable(text).replace(/[\\<>[\]|&$]/g, (character) => `\\${character}`);
}
