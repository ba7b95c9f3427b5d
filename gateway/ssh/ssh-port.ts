// The SSH port: accepts TCP connections (and byte streams that came another way), decides whether they may begin, gives
// them their times, and ends them with the gateway.

import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import ssh2, { type Connection as Ssh2Connection, type Server as Ssh2Server } from "ssh2";
import { destroyAfter } from "../../protocol/end-then-destroy.ts";
import { IDENTIFICATION } from "../../protocol/ssh/identification.ts";
import { DISCONNECT } from "../../protocol/ssh/message-numbers.ts";
import { SERVER_ALGORITHMS } from "../../protocol/ssh/ssh2/algorithms.ts";
import { disconnect, injectStream, streamOf } from "../../protocol/ssh/ssh2/transport.ts";
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
/** Finds connections whose other end is gone without a word; hosts and clients ask each other for signs of life. */
const TCP_KEEPALIVE_MS = 60_000;
/** ssh2's own keepalive would put a request into sessions that are passed on packet by packet: as late as timers go. */
const NO_KEEPALIVE_MS = 2 ** 31 - 1;
/** What was said last gets this long to leave, for all connections together. */
const CLOSE_MS = 3_000;

export interface SshPortOptions {
  readonly hostKeys: HostKeys;
  readonly admission: Admission;
  readonly limits: SshPortLimits;
  /** Whether connections from here begin with a PROXY header. */
  readonly isProxy: (address: string) => boolean;
  readonly context: ConnectionContext;
  /** A connection was turned away before it began. */
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

  /** Open now, those that are not signed in included. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Returns the address with its port. @throws StartError stage `tcp` */
  async listen(address: ListenAddress): Promise<ListenAddress> {
    const bound = await listen(this.#listener, address);
    this.#listener.on("error", (error) => {
      // Out of file descriptors, most likely: those that are open go on.
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
    // Whoever loses its slot to another has shown no more than that it stands still.
    const admitted = admission.admit(address, () => {
      this.#options.onRefusal("stalled");
      stream.destroy();
    });
    if (typeof admitted === "string") {
      this.#turnAway(stream, admitted);
      return;
    }
    const connection = new PendingConnection(stream, address, limits, {
      left: () => admitted.leave(),
      moved: () => admitted.moved(),
      offended: (offence) => this.#penalize(address, offence),
    });
    this.#connections.set(stream, connection);
    // A stream that only ends is closed here; errors reach ssh2 as well.
    stream.once("end", () => stream.end());
    // A client that does not answer our end must not keep its connection.
    stream.once("finish", () => {
      destroyAfter(stream, CLOSE_MS);
    });
    stream.once("close", () => {
      this.#connections.delete(stream);
      connection.gone(this.#closing);
    });
    injectStream(this.#ssh2, stream);
  }

  /** Tells every client, and settles once all are gone. */
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
    // Whose connection this is comes with its first bytes: until then it counts for everyone together.
    socket.on("error", () => socket.destroy());
    const admitted = admission.admit(undefined, () => socket.destroy());
    if (typeof admitted === "string") {
      this.#turnAway(socket, admitted);
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

  /** By a line in front of the version line, which clients show in their debug output, and at no cost. */
  #turnAway(stream: Duplex, refusal: Refusal): void {
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
          // Whoever is told why has proved something: a person who tries again, no guesser.
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
    // A proxy that speaks for itself checks whether the port is alive.
    if (this.#options.isProxy(address)) return;
    this.#options.admission.penalize(address, offence);
    this.#options.onOffence(address, offence);
  }
}
