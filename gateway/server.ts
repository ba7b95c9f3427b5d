// The HTTP server below the API, links and tunnels: its limits, how it listens and closes.

import { createServer, type Server } from "node:http";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import { FairSlots } from "../protocol/flow/fair-slots.ts";
import { addressBlock } from "../protocol/values/address-block.ts";
import { addressMatcher, formatAddress, type ListenAddress, plainAddress } from "./address.ts";
import type { ServerCertificate } from "./certificate/server-certificate.ts";
import { answerClientError, refuseExpectation } from "./http/error-response.ts";
import type { GatewayOptions } from "./program/options.ts";
import { reasonOf, StartError } from "./program/start-error.ts";

/**
 * Bounds on how long a request may take to arrive; they do not apply to open WebSockets and event streams.
 */
export const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  // Longer than the 60 s after which load balancers close an idle connection, so that they close first.
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
} as const;

/** From the connection to the end of the TLS handshake. */
const HANDSHAKE_MS = 10_000;

/** @param certificate null: without TLS */
export function createGatewayServer(
  options: Pick<GatewayOptions, "maxStreams" | "trustProxy">,
  certificate: ServerCertificate | null,
): Server {
  const server =
    certificate === null
      ? createServer(LIMITS)
      : certificate.createServer({ ...LIMITS, handshakeTimeout: HANDSHAKE_MS });
  // A tunnel has two connections, the client's and the host's; the rest is for hosts and requests. One
  // address may have half of them, which is enough for a proxy that is not named in --trust-proxy.
  shareConnections(server, options.maxStreams * 4 + 40_000, addressMatcher(options.trustProxy));
  server.maxRequestsPerSocket = 10_000;
  server.on("clientError", answerClientError);
  server.on("checkExpectation", refuseExpectation);
  return server;
}

function shareConnections(server: Server, total: number, isProxy: (address: string) => boolean): void {
  server.maxConnections = total;
  const slots = new FairSlots({ total });
  server.on("connection", (socket: Socket) => {
    const address = plainAddress(socket.remoteAddress ?? "");
    // A proxy's connections are those of many people.
    const holders = address === "" || isProxy(address) ? [] : [addressBlock(address)];
    const slot = slots.enter(holders, () => undefined);
    if (typeof slot === "string") socket.destroy();
    else socket.once("close", () => slot.leave());
  });
}

/** @throws StartError stage `tcp` */
export async function listen(server: NetServer, { host, port }: ListenAddress): Promise<ListenAddress> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const where = formatAddress({ host, port });
      const why =
        error.code === "EADDRINUSE"
          ? "another program is using it"
          : error.code === "EACCES"
            ? "only an administrator may listen there"
            : reasonOf(error);
      reject(new StartError("tcp", `The gateway can't listen on ${where}: ${why}.`, error));
    };
    server.once("error", failed);
    server.listen({ host, port }, () => {
      server.off("error", failed);
      resolve();
    });
  });
  return { host, port: boundPort(server.address()) };
}

/** Requests that run longer are cut, so that a stop takes less than 10 s in total. */
const DRAIN_MS = 4_000;

/** Stops listening, lets running requests end, and settles when every connection is closed. */
export async function closeServer(server: Server, connections: { destroyAll(): void }): Promise<void> {
  if (!server.listening) return;
  const cut = setTimeout(() => connections.destroyAll(), DRAIN_MS);
  // `close` ends only the connections that are idle when it is called.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearTimeout(cut);
  clearInterval(sweep);
}

/**
 * Tracks a server's connections, also those that became WebSockets, so that the remaining ones can be ended.
 */
export function trackConnections(server: Server): { destroyAll(): void } {
  const sockets = new Set<Socket>();
  const forget = function (this: Socket): void {
    sockets.delete(this);
  };
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", forget);
  });
  return {
    destroyAll: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function boundPort(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}
