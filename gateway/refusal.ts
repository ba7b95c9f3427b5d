// Anything that was thrown while a request was handled, as what its sender is told.

import { ProtocolError } from "../protocol/errors.ts";

/** A ProtocolError as it is; any other error as `internal`, without its details. */
export function asRefusal(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  return new ProtocolError("internal", "The gateway failed; its log says why.", { cause: error });
}
