// Bounds how long the end of a connection may take: a peer that does not answer it, or reads nothing, must not keep the
// connection open.

import type { Duplex } from "node:stream";

/** How long an SSH connection has to deliver what was written last, a DISCONNECT above all. */
export const LAST_WORDS_MS = 1_000;

/** Ends the stream, and destroys it if it has not closed in LAST_WORDS_MS. */
export function endThenDestroy(stream: Duplex): void {
  stream.end();
  destroyAfter(stream, LAST_WORDS_MS);
}

/** Destroys a stream that has not closed in `ms`. */
export function destroyAfter(stream: Duplex, ms: number): void {
  if (stream.destroyed) return;
  const timer = setTimeout(() => stream.destroy(), ms);
  stream.once("close", () => clearTimeout(timer));
}
