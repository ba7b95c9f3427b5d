// What the forwarding checks need on this machine: a web server to fetch from, a free port to listen on, and to know
// when somebody listens there.

import { randomInt } from "node:crypto";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";

/** A web server on loopback that answers every GET with `body`. */
export async function startWebServer(body: string): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    response.setHeader("connection", "close").end(`${request.method} ${request.url}: ${body}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: portOf(server.address()),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const given = new Set<number>();

/**
 * A port that was free a moment ago: ssh's -D and -L take no 0. Never the same twice, and below those that Linux gives
 * to programs that ask for any: some programs share a port without a word (SO_REUSEPORT), and each gets some of the
 * connections.
 * @throws Error where none of a hundred can be listened on
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(20_000, 32_768);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error("no free port from 20000 to 32767");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createTcpServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Resolves once something accepts connections on the port. */
export async function listening(port: number, signal: AbortSignal): Promise<void> {
  while (!(await accepts(port))) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
