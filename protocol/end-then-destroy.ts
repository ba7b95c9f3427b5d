// Ends a stream so that what was written last, a reason above all, still leaves; a peer that does not take it cannot
// keep the stream open.

import type { Duplex } from "node:stream";

const LAST_WORDS_MS = 1_000;

/** Ends the stream, and destroys it 1 s later where it has not closed by itself. */
export function endThenDestroy(stream: Duplex): void {
  stream.end();
  const last = setTimeout(() => stream.destroy(), LAST_WORDS_MS);
  stream.once("close", () => clearTimeout(last));
  if (stream.destroyed) clearTimeout(last);
}
