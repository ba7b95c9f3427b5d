// The session identifier of a connection (RFC 4253 §7.2), which proofs of possession are bound to. ssh2 does not expose it.

import { privateProtocol } from "./private.ts";

/** Returns undefined before the first key exchange has ended. */
export function sessionIdOf(connection: object): Buffer | undefined {
  const id = privateProtocol(connection)._kex?.sessionID;
  return id === undefined ? undefined : Buffer.from(id);
}
