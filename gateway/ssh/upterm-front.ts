// Where the SSH port hands over to the upterm side (gateway/upterm/), which it knows by this interface alone: connections
// of upterm hosts, and user names that are upterm session ids.

import type { Duplex } from "node:stream";
import type { Connection as Ssh2Connection } from "ssh2";
import type { Link } from "../link/link.ts";

export interface UptermFront {
  /** Whether a client's identification (RFC 4253 §4.2, without CR LF) is that of an upterm host. */
  isHost(identification: string): boolean;
  /**
   * Takes a host's connection over, inside of ssh2's `connection` event: from here on the front answers its
   * `authentication` events, calls `takeOverConnection` if it wants its packets, and ends it. The port has admitted the
   * connection, counts it, holds its login time, and ends it with the gateway.
   */
  acceptHost(host: UptermHostConnection): void;
  /** The session of a user name as the client sent it (with routing behind the id, if any); undefined: none. */
  session(userName: string): UptermSession | undefined;
}

export interface UptermHostConnection {
  readonly ssh2: Ssh2Connection;
  /** Below ssh2: what `takeOverConnection` asks for. */
  readonly stream: Duplex;
  readonly address: string;
  readonly identification: string;
  /** To be called once the host is signed in: it counts as pending no longer, and its login time is over. */
  signedIn(): void;
  /** A try to sign in failed: it counts against the address. The front sends the answer. */
  refused(): void;
  /** Tells the peer why and closes. Calling it again does nothing. */
  end(reason: string): void;
  /** Aborted when the connection is gone, for whatever reason. */
  readonly closed: AbortSignal;
}

/** A client that wants to join has to prove a key by a signature; who may is the session's to say. */
export interface UptermSession {
  /** For logs: no secret, so not the whole id. */
  readonly label: string;
  readonly link: Link;
  /** The SSH user name at the host, and the principal of the certificate. */
  readonly userName: string;
  /** `blob` is a public key's wire form. Asked for queries and again for signatures. */
  mayJoin(blob: Buffer): boolean;
  /** A client has proved its key and is about to be joined to the host. Returns the way out, called once at its end. */
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
 * What the upterm side asks of the SSH port: to serve SSH on a byte stream that came another way than by TCP (upterm's
 * WebSockets). The stream passes the same admission as a TCP connection.
 */
export interface SshAcceptor {
  accept(stream: Duplex, address: string): void;
}
