// The session identifier of a connection (RFC 4253 §7.2): what proofs of possession are bound to. ssh2 keeps it to itself.

import { privateProtocol } from "./private.ts";

/** undefined before the first key exchange has ended. */
export function sessionIdOf(connection: object): Buffer | undefined {
  const id = privateProtocol(connection)._kex?.sessionID;
  return id === undefined ? undefined : Buffer.from(id);
}
