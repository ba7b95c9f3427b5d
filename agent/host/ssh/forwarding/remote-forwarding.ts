// Ports and sockets on which the host listens for the client: `tcpip-forward` (ssh -R; RFC 4254 §7.1) and
// `streamlocal-forward@openssh.com` (OpenSSH PROTOCOL §2.4). They are closed with the connection.

import { createServer, type Socket } from "node:net";
import { resolve } from "node:path";
import type { Connection } from "../../../../protocol/ssh/connection.ts";
import type { GlobalReply } from "../../../../protocol/ssh/global-requests.ts";
import { encode, type WireReader } from "../../../../protocol/ssh/wire.ts";
import {
  type Listener,
  listen,
  listenPrivately,
  removeStaleSocket,
} from "../../../platform/files/private-socket.ts";
import type { Log } from "../../../platform/log.ts";
import type { KeyPermissions } from "../sign-in/key-grant.ts";
import { splice } from "./splice.ts";

/** Per connection. */
const MAX_FORWARDS = 64;

export interface RemoteForwarding {
  request(name: string, data: WireReader): Promise<GlobalReply>;
  close(): void;
}

export const FORWARD_REQUESTS = [
  "tcpip-forward",
  "cancel-tcpip-forward",
  "streamlocal-forward@openssh.com",
  "cancel-streamlocal-forward@openssh.com",
] as const;

interface Forward {
  readonly servers: readonly Listener[];
}

/** `home`: where relative socket paths start. */
export function createRemoteForwarding(
  connection: Connection,
  permissions: KeyPermissions,
  home: string,
  log: Log,
): RemoteForwarding {
  const forwards = new Map<string, Forward | "starting">();
  let closed = false;

  /** Reserves the key while the listener starts, so that the limit holds and a repeated request is refused at once. */
  async function add<T>(key: string, start: () => Promise<{ forward: Forward; result: T; key: string }>) {
    if (closed || !permissions.portForwarding) return undefined;
    if (forwards.size >= MAX_FORWARDS || forwards.has(key)) return undefined;
    forwards.set(key, "starting");
    try {
      const started = await start();
      forwards.delete(key);
      if (closed) {
        stop(started.forward);
        return undefined;
      }
      forwards.set(started.key, started.forward);
      log.info(`forwarding from ${started.key}`);
      return started.result;
    } catch (error) {
      forwards.delete(key);
      log.warn(`forwarding from ${key} failed: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  function cancel(key: string): boolean {
    const forward = forwards.get(key);
    if (forward === undefined || forward === "starting") return false;
    forwards.delete(key);
    stop(forward);
    return true;
  }

  async function listenTcp(address: string, port: number): Promise<GlobalReply> {
    if (port > 0xffff || !isListenPermitted(permissions.permitListen, address, port)) return false;
    // As with `GatewayPorts no`: only this machine can connect, whatever address was asked for.
    const wanted = tcpKey(address, port === 0 ? `0/${forwards.size}` : port);
    const bound = await add(wanted, async () => {
      let boundPort = port;
      const onSocket = (socket: Socket) =>
        relay(socket, "forwarded-tcpip", [
          address,
          boundPort,
          socket.remoteAddress ?? "",
          socket.remotePort ?? 0,
        ]);
      const first = await listen(createServer(SOCKETS, onSocket), { host: "127.0.0.1", port });
      const bind = first.address();
      if (typeof bind === "object" && bind !== null) boundPort = bind.port;
      const servers = [first];
      try {
        servers.push(await listen(createServer(SOCKETS, onSocket), { host: "::1", port: boundPort }));
      } catch {
        // There is no IPv6, or the port is taken there: only IPv4 was promised.
      }
      return { forward: { servers }, result: boundPort, key: tcpKey(address, boundPort) };
    });
    if (bound === undefined) return false;
    return port === 0 ? encode(bound) : true;
  }

  async function listenUnix(path: string): Promise<GlobalReply> {
    if (permissions.permitListen !== undefined) return false;
    const place = resolve(home, path);
    const done = await add(place, async () => {
      await removeStaleSocket(place);
      const server = createServer(SOCKETS, (socket) =>
        relay(socket, "forwarded-streamlocal@openssh.com", [path, ""]),
      );
      return { forward: { servers: [await listenPrivately(server, place)] }, result: true, key: place };
    });
    return done ?? false;
  }

  function relay(socket: Socket, type: string, data: readonly (string | number)[]): void {
    socket.pause();
    socket.on("error", () => socket.destroy());
    connection.open(type, encode(...data)).then(
      (channel) => {
        if (socket.destroyed) channel.destroy();
        else splice(channel, socket);
      },
      () => socket.destroy(),
    );
  }

  return {
    async request(name, data) {
      switch (name) {
        case "tcpip-forward":
          return listenTcp(data.text(255), data.uint32());
        case "cancel-tcpip-forward":
          return cancel(tcpKey(data.text(255), data.uint32()));
        case "streamlocal-forward@openssh.com":
          return listenUnix(data.text(1024));
        case "cancel-streamlocal-forward@openssh.com":
          return cancel(resolve(home, data.text(1024)));
        default:
          return false;
      }
    },
    close() {
      closed = true;
      for (const forward of forwards.values()) if (forward !== "starting") stop(forward);
      forwards.clear();
    },
  };
}

/** Paused until their channel is open. */
const SOCKETS = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true } as const;

function tcpKey(address: string, port: number | string): string {
  return `${address}:${port}`;
}

/** Stops listening; open connections stay. */
function stop(forward: Forward): void {
  for (const server of forward.servers) server.close();
}

function isListenPermitted(permitted: readonly string[] | undefined, host: string, port: number): boolean {
  if (permitted === undefined) return true;
  return permitted.some((entry) => {
    const colon = entry.lastIndexOf(":");
    const entryHost = colon === -1 ? undefined : entry.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
    const entryPort = entry.slice(colon + 1);
    return (
      (entryHost === undefined || entryHost === "*" || entryHost === host) &&
      (entryPort === "*" || Number(entryPort) === port)
    );
  });
}
