// Turns anything thrown while a request is handled into the refusal that its sender gets.

import { ProtocolError } from "../protocol/errors.ts";

/** A ProtocolError as it is; any other error as `internal`, without its details. */
export function asRefusal(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  return new ProtocolError("internal", "The gateway failed; its log says why.", { cause: error });
}
