// Which worker waits for a stream follows from the stream's token, so that a dial-back finds its worker
// without a question.

import { hashToken, newStreamToken, type StreamToken } from "../../../protocol/values/token.ts";
import type { Welcome } from "../messages.ts";

/** The slot of the worker that waits for the stream. */
export function slotOfToken(token: StreamToken, { count }: Pick<Welcome, "count">): number {
  return Number.parseInt(hashToken(token).slice(0, 8), 16) % count;
}

/** A new token that leads to this worker. */
export function newTokenFor(welcome: Pick<Welcome, "slot" | "count">): StreamToken {
  for (;;) {
    const token = newStreamToken();
    if (slotOfToken(token, welcome) === welcome.slot) return token;
  }
}
