// The SSH port. It accepts TCP connections and other byte streams, decides whether they may begin, limits how
// long they take to sign in, and ends them when the gateway stops.

import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import ssh2, { type Connection as Ssh2Connection, type Server as Ssh2Server } from "ssh2";
import { destroyAfter } from "../../protocol/flow/end-then-destroy.ts";
import { IDENTIFICATION } from "../../protocol/ssh/identification.ts";
import { DISCONNECT } from "../../protocol/ssh/message-numbers.ts";
import { SERVER_ALGORITHMS } from "../../protocol/ssh/ssh2/algorithms.ts";
import { disconnect, injectStream, streamOf } from "../../protocol/ssh/ssh2/server-connection.ts";
import type { ListenAddress } from "../address.ts";
import { plainAddress } from "../address.ts";
import type { HostKeys } from "../host-keys/host-keys.ts";
import { listen } from "../server.ts";
import type { ConnectionContext } from "./connection-context.ts";
import type { Admission, Offence, Refusal } from "./entrance/admission.ts";
import { PendingConnection } from "./entrance/pending-connection.ts";
import { readProxiedAddress } from "./entrance/proxied-address.ts";
import { SshConnection } from "./ssh-connection.ts";
import type { SshAcceptor } from "./upterm-front.ts";

/** How long a client may take. */
export interface SshPortLimits {
  /** For the PROXY header of a trusted proxy. */
  readonly proxyHeaderMs: number;
  /** For the client's version line. */
  readonly versionMs: number;
  /** From accept to signed in. */
  readonly loginMs: number;
}

export const SSH_PORT_LIMITS: SshPortLimits = { proxyHeaderMs: 5_000, versionMs: 10_000, loginMs: 30_000 };

/** RFC 4253 §4.2, CR LF not counted. */
const MAX_VERSION_LENGTH = 253;
/**
 * Finds connections whose other end has gone silently. Hosts and clients also send keepalives to each other.
 */
const TCP_KEEPALIVE_MS = 60_000;
/**
 * ssh2's own keepalive would insert a request into relayed connections, so it is delayed for as long as
 * timers allow.
 */
const NO_KEEPALIVE_MS = 2 ** 31 - 1;
/** How long the last bytes may take to leave, for all connections together. */
const CLOSE_MS = 3_000;

interface SshPortOptions {
  readonly hostKeys: HostKeys;
  readonly admission: Admission;
  readonly limits: SshPortLimits;
  /** Whether connections from this address begin with a PROXY header. */
  readonly isProxy: (address: string) => boolean;
  readonly context: ConnectionContext;
  /** A connection was refused before it began. */
  readonly onRefusal: (reason: Refusal | "stalled" | "proxy") => void;
  /** An address was penalized. */
  readonly onOffence: (address: string, offence: Offence) => void;
}

export class SshPort implements SshAcceptor {
  readonly #options: SshPortOptions;
  readonly #ssh2: Ssh2Server;
  readonly #listener: NetServer;
  readonly #connections = new Map<Duplex, PendingConnection>();
  #closing = false;

  constructor(options: SshPortOptions) {
    this.#options = options;
    this.#ssh2 = new ssh2.Server({
      hostKeys: [...options.hostKeys.privateKeys],
      algorithms: SERVER_ALGORITHMS,
      ident: IDENTIFICATION,
      keepaliveInterval: NO_KEEPALIVE_MS,
    });
    this.#ssh2.on("connection", (client, { header }) => this.#serve(client, header.identRaw));
    this.#listener = createServer({
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    });
    this.#listener.on("connection", (socket: Socket) => this.#receive(socket));
  }

  /** How many connections are open, including those that are not signed in. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Returns the address with its port. @throws StartError stage `tcp` */
  async listen(address: ListenAddress): Promise<ListenAddress> {
    const bound = await listen(this.#listener, address);
    this.#listener.on("error", (error) => {
      // The process is probably out of file descriptors. Open connections are not affected.
      this.#options.context.log.error({ err: error }, "the SSH port could not accept a connection");
    });
    return bound;
  }

  accept(stream: Duplex, address: string): void {
    stream.on("error", () => stream.destroy());
    if (this.#closing) {
      stream.destroy();
      return;
    }
    const { admission, limits } = this.#options;
    // An evicted connection has merely stalled, and is counted as that.
    const admitted = admission.admit(address, () => {
      this.#options.onRefusal("stalled");
      stream.destroy();
    });
    if (typeof admitted === "string") {
      this.#refuse(stream, admitted);
      return;
    }
    const connection = new PendingConnection(stream, address, limits, {
      left: () => admitted.leave(),
      moved: () => admitted.moved(),
      offended: (offence) => this.#penalize(address, offence),
    });
    this.#connections.set(stream, connection);
    // ssh2 hears of errors by itself; a stream that merely ends is closed here.
    stream.once("end", () => stream.end());
    // A client that does not close its side must not keep its connection.
    stream.once("finish", () => {
      destroyAfter(stream, CLOSE_MS);
    });
    stream.once("close", () => {
      this.#connections.delete(stream);
      connection.gone(this.#closing);
    });
    injectStream(this.#ssh2, stream);
  }

  /** Tells every client that the gateway stops, and settles once all connections are closed. */
  async close(): Promise<void> {
    this.#closing = true;
    const closed = [...this.#connections.keys()].map(
      (stream) => new Promise<void>((resolve) => stream.once("close", () => resolve())),
    );
    if (this.#listener.listening) {
      closed.push(new Promise<void>((resolve) => this.#listener.close(() => resolve())));
    }
    for (const connection of [...this.#connections.values()]) {
      connection.end("The gateway is about to stop: connect again in a moment.");
    }
    const cut = setTimeout(() => {
      for (const stream of this.#connections.keys()) stream.destroy();
    }, CLOSE_MS);
    await Promise.all(closed);
    clearTimeout(cut);
  }

  #receive(socket: Socket): void {
    const { admission, isProxy, limits } = this.#options;
    const remote = plainAddress(socket.remoteAddress ?? "");
    if (!isProxy(remote)) {
      this.accept(socket, remote);
      return;
    }
    // The first bytes say whose connection this is. Until then it counts against the total only.
    socket.on("error", () => socket.destroy());
    const admitted = admission.admit(undefined, () => socket.destroy());
    if (typeof admitted === "string") {
      this.#refuse(socket, admitted);
      return;
    }
    readProxiedAddress(socket, limits.proxyHeaderMs, (address) => {
      admitted.leave();
      if (address !== undefined) this.accept(socket, address ?? remote);
      else {
        this.#options.onRefusal("proxy");
        socket.destroy();
      }
    });
  }

  /**
   * Refuses with a line before the version line. It costs nothing, and clients show it in their debug output.
   */
  #refuse(stream: Duplex, refusal: Refusal): void {
    this.#options.onRefusal(refusal);
    stream.once("finish", () => stream.destroy());
    stream.end(refusal === "penalty" ? "Not allowed at this time\r\n" : "Too many connections wait\r\n");
  }

  /** The client has sent its version line. */
  #serve(client: Ssh2Connection, version: string): void {
    const { context } = this.#options;
    const stream = streamOf(client);
    const connection = this.#connections.get(stream);
    if (connection === undefined || version.length > MAX_VERSION_LENGTH) {
      connection?.offend("malformed");
      disconnect(client, DISCONNECT.protocolError, "The version line is too long.");
      stream.end();
      return;
    }
    connection.versionReceived();
    const { address } = connection;
    if (context.upterm?.isHost(version) === true) {
      connection.serveUptermHost(client, version, context.upterm);
      return;
    }
    const served = new SshConnection(
      client,
      stream,
      {
        address,
        version,
        keyExchangeBegun: () => connection.keyExchangeBegun(),
        keysExchanged: () => connection.keysExchanged(),
        serviceAsked: () => connection.serviceAsked(),
        signedIn: () => connection.signedIn(),
        refused: ({ code, banner, account, workspace, key }, method) => {
          // A client that is told why has proved something: it is not guessing.
          if (banner === undefined) connection.offend("refused");
          context.metrics.refused(code);
          context.directory.audit({
            event: "ssh.sign-in.refused",
            address,
            code,
            account,
            workspace,
            key,
            detail: method,
          });
        },
        disagreed: (reason) => {
          context.log.debug({ address, reason }, "an SSH connection had no algorithms in common");
          connection.offend("scanned");
        },
        malformed: (reason) => {
          context.log.debug({ address, reason }, "an SSH connection failed before sign-in");
          connection.offend("malformed");
        },
      },
      context,
    );
    connection.served((reason) => served.end(reason));
  }

  #penalize(address: string, offence: Offence): void {
    // When a proxy connects for itself, it checks whether the port is alive.
    if (this.#options.isProxy(address)) return;
    this.#options.admission.penalize(address, offence);
    this.#options.onOffence(address, offence);
  }
}
