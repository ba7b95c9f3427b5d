// The interface between the SSH port and gateway/upterm/. The port hands over the connections of upterm
// hosts, and asks about user names that are upterm session ids.

import type { Duplex } from "node:stream";
import type { Connection as Ssh2Connection } from "ssh2";
import type { Link } from "../link/link.ts";

export interface UptermFront {
  /** Whether a client's identification (RFC 4253 §4.2, without CR LF) is that of an upterm host. */
  isHost(identification: string): boolean;
  /**
   * Takes over a host's connection, inside ssh2's `connection` event. From then on the front answers its
   * `authentication` events, calls `takeOverConnection` if it wants its packets, and ends it. The port has
   * admitted the connection and counts it, limits the time of its sign-in, and ends it when the gateway
   * stops.
   */
  acceptHost(host: UptermHostConnection): void;
  /**
   * The session of a user name as the client sent it (with routing behind the id, if any); undefined: none.
   */
  session(userName: string): UptermSession | undefined;
}

export interface UptermHostConnection {
  readonly ssh2: Ssh2Connection;
  /** The stream below ssh2, for `takeOverConnection`. */
  readonly stream: Duplex;
  readonly address: string;
  readonly identification: string;
  /**
   * To be called once the host is signed in: it no longer counts as pending, and has no time limit any more.
   */
  signedIn(): void;
  /** A sign-in attempt failed and counts against the address. The front sends the answer. */
  refused(): void;
  /** Tells the peer why and closes. Calling it again does nothing. */
  end(reason: string): void;
  /** Aborted when the connection is closed, for whatever reason. */
  readonly closed: AbortSignal;
}

/**
 * An upterm session. A client that wants to join proves a key by a signature, and the session decides whether
 * it may.
 */
export interface UptermSession {
  /** For logs. It is not secret, so it is not the whole id. */
  readonly label: string;
  readonly link: Link;
  /** The SSH user name at the host, and the principal of the certificate. */
  readonly userName: string;
  /** Called for key queries and again for signatures. @param blob the public key in wire form */
  mayJoin(blob: Buffer): boolean;
  /** A client has proved its key and is about to join. Returns a function to call once when it leaves. */
  joined(client: UptermClient): () => void;
}

export interface UptermClient {
  readonly address: string;
  /** authorized_keys form. */
  readonly publicKey: string;
  readonly clientVersion: string;
  /** Ends the client's connection. */
  end(reason: string): void;
}

/**
 * What gateway/upterm/ asks of the SSH port: to serve SSH on a byte stream that is not a TCP connection, as
 * upterm's WebSockets. The stream passes the same admission as a TCP connection.
 */
export interface SshAcceptor {
  accept(stream: Duplex, address: string): void;
}
