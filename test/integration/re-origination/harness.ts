// A real ssh, a gateway that admits everyone and relays their connections, and a real host. All but ssh run
// in this process. The link between gateway and host is a TCP connection on the loopback.

import type { ChildProcess, SpawnOptions } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { createHostSshServer, type HostSshServerOptions } from "../../../agent/host/ssh/ssh-server.ts";
import type { Link, StreamRequest } from "../../../gateway/link/link.ts";
import {
  type RelayedConnection,
  type ReoriginationOptions,
  reoriginate,
} from "../../../gateway/ssh/re-origination/re-origination.ts";
import { SERVER_ALGORITHMS } from "../../../protocol/ssh/ssh2/algorithms.ts";
import { injectStream, streamOf } from "../../../protocol/ssh/ssh2/server-connection.ts";
import {
  type PacketReceiver,
  type PacketTransport,
  takeOverConnection,
} from "../../../protocol/ssh/ssh2/transport.ts";
import { grant, listen, makeKey, publicKey } from "../../support/ssh/host-ssh.ts";
import { type Finished, finish, SshClient } from "../../support/ssh/ssh-client.ts";

export interface Setup {
  /** Changes what the gateway uses to sign in at the host. */
  readonly relay?: Partial<Pick<ReoriginationOptions, "person" | "signingKey" | "userName">>;
  readonly host?: Partial<HostSshServerOptions>;
  readonly hostKeys?: readonly string[];
  /** What the host is told about the stream. */
  readonly via?: StreamRequest["via"];
  /** The port of a different host than the one that is started here. */
  readonly hostPort?: number;
  /** The link opens no stream before this is resolved. */
  readonly linkReady?: Promise<unknown>;
}

export interface Chain {
  readonly directory: string;
  readonly port: number;
  readonly hostPort: number;
  readonly hostLog: string[];
  readonly allowed: { isAllowed: boolean; changed(): void };
  readonly relayed: RelayedConnection[];
  /** The gateway's sockets towards clients and towards the host, in order. */
  readonly clients: Socket[];
  readonly links: Socket[];
  /** The host's ends of the links. */
  readonly hosts: Socket[];
  readonly transports: PacketTransport[];
  /** Lines of authorized_keys form. */
  readonly gatewayKey: string;
  readonly hostKey: string;
  readonly personKey: string;
  ssh(args: readonly string[], input?: string | Buffer): Promise<Finished>;
  start(program: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  stop(): Promise<void>;
}

export async function startChain(setup: Setup = {}): Promise<Chain> {
  const directory = mkdtempSync(join(tmpdir(), "re-origination-"));
  const path = (name: string) => join(directory, name);
  for (const name of ["host_key", "gateway_key", "id"]) makeKey(path(name), ["-t", "ed25519"]);
  const line = (name: string) =>
    readFileSync(path(`${name}.pub`), "utf8")
      .split(" ")
      .slice(0, 2)
      .join(" ");

  const hostLog: string[] = [];
  const log = (text: string) => void hostLog.push(text);
  const listeners = new Set<() => void>();
  const allowed = {
    isAllowed: true,
    changed: () => {
      for (const listener of listeners) listener();
    },
  };
  const person = publicKey(path("id"));
  const host = createHostSshServer({
    hostKeys: [readFileSync(path("host_key"), "utf8")],
    allowed: {
      allowed: ({ blob }) => (allowed.isAllowed && blob.equals(person) ? grant(blob) : undefined),
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    anyone: false,
    shell: "/bin/sh",
    cwd: directory,
    gatewayKeys: () => [line("gateway_key")],
    ownerTokens: true,
    log: { debug: log, info: log, warn: log, error: log },
    ...setup.host,
  });
  const requests: StreamRequest[] = [];
  const hosts: Socket[] = [];
  const hostListener = createServer({ noDelay: true }, (socket) => {
    hosts.push(socket);
    const [request] = requests.splice(0, 1);
    host.accept(socket, {
      address: request?.client.address ?? "",
      account: null,
      via: setup.via ?? request?.via ?? "session",
    });
  });
  const hostPort = setup.hostPort ?? (await listen(hostListener));

  const links: Socket[] = [];
  const link: Link = {
    since: new Date(),
    address: "192.0.2.9",
    hostKeys: setup.hostKeys ?? [line("host_key")],
    credential: null,
    streams: 0,
    async openStream(request) {
      await setup.linkReady;
      requests.push(request);
      const stream = connect(hostPort, "127.0.0.1");
      links.push(stream);
      await new Promise((resolve) => stream.once("connect", resolve));
      return { kind: "duplex", stream };
    },
    probe: () => Promise.resolve(true),
    close: () => {},
  };

  const relayed: RelayedConnection[] = [];
  const transports: PacketTransport[] = [];
  const gateway = new ssh2.Server({
    hostKeys: [readFileSync(path("gateway_key"), "utf8")],
    algorithms: SERVER_ALGORITHMS,
    ident: "OpenSSH_compatible_test",
    // As long as possible: the answers would go to the host.
    keepaliveInterval: 2 ** 31 - 1,
  });
  gateway.on("connection", (connection, { header }) => {
    const stop = new AbortController();
    let relay: RelayedConnection | undefined;
    const receiver: PacketReceiver = {
      receive(payload) {
        if (relay !== undefined) return relay.receiver.receive(payload);
        relay = reoriginate({
          link,
          again: undefined,
          client: transport,
          first: [payload],
          userName: "ws",
          address: "192.0.2.7",
          clientVersion: header.identRaw,
          person: { kind: "key", publicKey: line("id"), account: "ada" },
          signingKey: readFileSync(path("gateway_key"), "utf8"),
          signal: stop.signal,
          ...setup.relay,
        });
        relayed.push(relay);
      },
      drain: () => relay?.receiver.drain(),
      exchangingKeys: (begun) => relay?.receiver.exchangingKeys?.(begun),
      unimplemented: (sequence) => relay?.receiver.unimplemented?.(sequence),
      disconnected: (reason, description) => relay?.receiver.disconnected?.(reason, description),
      ended: () => relay?.receiver.ended?.(),
    };
    const transport = takeOverConnection(connection, streamOf(connection), receiver);
    transports.push(transport);
    connection.on("authentication", (context) => context.accept());
    connection.on("error", () => {});
  });
  const clients: Socket[] = [];
  const gatewayListener = createServer({ noDelay: true }, (socket) => {
    clients.push(socket);
    socket.on("error", () => {});
    injectStream(gateway, socket);
  });
  const port = await listen(gatewayListener);
  const client = new SshClient({ directory, alias: "gw", port, user: "ws", hostKey: line("gateway_key") });
  const start = client.start.bind(client);
  return {
    directory,
    port,
    hostPort,
    hostLog,
    allowed,
    relayed,
    clients,
    links,
    hosts,
    transports,
    gatewayKey: line("gateway_key"),
    hostKey: line("host_key"),
    personKey: line("id"),
    start,
    ssh: (args, input) => finish(start("ssh", args), input),
    async stop() {
      client.stop();
      for (const socket of [...clients, ...links]) socket.destroy();
      await host.close();
      await Promise.all(
        [hostListener, gatewayListener]
          .filter((listener) => listener.listening)
          .map((listener) => new Promise((done) => listener.close(done))),
      );
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
