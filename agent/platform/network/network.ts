// What is known of the network when a connection to a gateway is opened: the routes to try, the authorities that TLS trusts,
// and what earlier connections of the process learnt.

import type { LookupAddress } from "node:dns";
import type { SecureContextOptions } from "node:tls";
import type { Endpoint, Route } from "./route.ts";

export interface Network {
  /** TLS session tickets by `host:port`, which make the next handshake shorter. In memory only. */
  readonly tlsSessions: Memory<Buffer>;
  /** By host name: used while the name server does not answer, as after a change of networks. */
  readonly addresses: Memory<readonly LookupAddress[]>;
  /**
   * The routes in the order in which to try them; at least one.
   * @throws CommandError stage `proxy` or `file`: something is configured wrongly
   */
  routes(endpoint: Endpoint, signal: AbortSignal): Promise<readonly Route[]>;
  /**
   * Node's authorities and the configured one, and the client certificate; undefined: nothing is configured.
   * The same object each time, since parsed authorities are cached by it.
   * @throws CommandError stage `tls`: a file is unreadable or holds something else
   */
  tlsOptions(): Promise<SecureContextOptions | undefined>;
  /** The same with the system's authorities; undefined where this Node cannot read them. */
  tlsOptionsWithSystem(): Promise<SecureContextOptions | undefined>;
}

/** A bounded map that lives as long as the process. */
interface Memory<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
}
