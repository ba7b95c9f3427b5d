// TLS over a connection that is open, with the gateway's certificate verified. Its file is apart because Node's own TLS takes long
// to load and parses a hundred authorities: a companion to a gateway without TLS does without.

import { isIP, type Socket } from "node:net";
import {
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from "node:tls";
import type { Network } from "./network.ts";

export interface TlsOptions {
  readonly trust?: SecureContextOptions | undefined;
  readonly sessions?: Network["tlsSessions"] | undefined;
  /** Part of the session's key. */
  readonly port?: number;
}

/** Node's own authorities. One object, since parsed authorities are cached by it. */
const NODES_OWN_TRUST: SecureContextOptions = {};

/**
 * Calls `done` or `fail` once, and returns what abandons it. The certificate is always verified, whatever the environment says.
 */
export function handshake(
  socket: Socket,
  host: string,
  { trust = NODES_OWN_TRUST, sessions, port = 0 }: TlsOptions,
  done: (secured: TLSSocket) => void,
  fail: (error: Error) => void,
): () => void {
  const key = `${host}:${port}`;
  const session = sessions?.get(key);
  const secured = connectTls({
    secureContext: contextOf(trust),
    socket,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(session === undefined ? {} : { session }),
    host,
    ALPNProtocols: ["http/1.1"],
    // Explicit, because NODE_TLS_REJECT_UNAUTHORIZED, which an editor's other extensions may set, changes the default.
    rejectUnauthorized: true,
  });
  if (sessions !== undefined) secured.on("session", (ticket) => sessions.set(key, ticket));
  secured.once("secureConnect", () => {
    secured.off("error", failed);
    done(secured);
  });
  const failed = (error: Error): void => {
    sessions?.delete(key);
    fail(error);
  };
  secured.once("error", failed);
  return () => secured.destroy();
}

const contexts = new WeakMap<SecureContextOptions, SecureContext>();

/** Parsing the authorities takes 2 ms, or 17 where some are configured: done once, not per connection. */
function contextOf(trust: SecureContextOptions): SecureContext {
  const known = contexts.get(trust);
  if (known !== undefined) return known;
  const context = createSecureContext(trust);
  contexts.set(trust, context);
  return context;
}
