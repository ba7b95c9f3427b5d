// Gives a WebSocket request to the worker that it is for, before it is answered. Which worker accepts a connection is
// chance: a host's dial-back belongs to the one that waits for it, and a tunnel goes to one that has less to do.
//
// A plain connection is given away as it is, with what has been read of it: from then on this worker has nothing to do with
// it. A TLS connection cannot be: its keys live in this process. Its bytes are carried to the other worker over a Unix
// socket, in a directory that only the gateway's own user can enter.

import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createConnection, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { destroyAfter } from "../../../protocol/end-then-destroy.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import { PATHS } from "../../../protocol/values/gateway-url.ts";
import { bearerToken, parseStreamToken, type StreamToken } from "../../../protocol/values/token.ts";
import { closeServer, LIMITS, trackConnections } from "../../server.ts";
import type { Channel } from "../channel.ts";
import type { Welcome } from "../messages.ts";
import type { Handover } from "../siblings.ts";
import { socketPath } from "../socket-path.ts";
import { stopReading } from "./stop-reading.ts";
import type { WorkerRoutes } from "./worker-routes.ts";

/** Where a request that is carried says whose it is; from a worker only. */
const ADDRESS_HEADER = "sallyport-client-address";

const LINGER_MS = 5_000;

export interface HandoverOptions {
  readonly channel: Channel;
  readonly welcome: Welcome;
  readonly routes: WorkerRoutes;
  readonly clientAddress: (request: IncomingMessage) => string;
}

export class WorkerHandover implements Handover {
  readonly #options: HandoverOptions;
  /** Takes what others give, as requests like any other. */
  readonly #server: Server;
  readonly #connections: { destroyAll(): void };
  /** Requests that were given to this worker, with their client's address. */
  readonly #given = new WeakMap<IncomingMessage, string>();

  constructor(options: HandoverOptions) {
    this.#options = options;
    this.#server = createServer(LIMITS, (_request, response) => response.writeHead(404).end());
    this.#connections = trackConnections(this.#server);
    options.channel.onMessage((message, socket) => {
      if (message.type !== "handover" || socket === undefined) return;
      socket.unshift(Buffer.from(message.bytes, "base64"));
      this.#server.emit("connection", socket);
    });
  }

  /** `upgrades` gets the requests that other workers give. */
  async listen(upgrades: Server): Promise<void> {
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#given.set(request, String(request.headers[ADDRESS_HEADER] ?? ""));
      upgrades.emit("upgrade", request, socket, head);
    });
    const { directory, slot } = this.#options.welcome;
    const path = socketPath(directory, slot);
    // A worker that was killed has left its own here.
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      // Not shared with the other workers, as node's cluster module would have it.
      this.#server.listen({ path, exclusive: true }, () => resolve());
    });
  }

  async close(): Promise<void> {
    await closeServer(this.#server, this.#connections);
  }

  clientAddress(request: IncomingMessage): string | undefined {
    return this.#given.get(request);
  }

  give(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const { channel, welcome, routes, clientAddress } = this.#options;
    const to = this.#given.has(request) ? undefined : this.#worker(request, socket);
    if (to === undefined || to === welcome.slot) return false;
    if (!routes.load.isUp(to)) return false;
    const bytes = Buffer.concat([requestHead(request, clientAddress(request)), head]);
    if (socket instanceof Socket && !(socket instanceof TLSSocket) && stopReading(socket)) {
      channel.sendSocket({ type: "handover", to, bytes: bytes.toString("base64") }, socket);
    } else carry(socket, bytes, socketPath(welcome.directory, to));
    return true;
  }

  /** undefined: whichever worker has it is the right one. */
  #worker(request: IncomingMessage, socket: Duplex): number | undefined {
    const { routes } = this.#options;
    const path = request.url?.split("?", 1)[0];
    if (path === PATHS.stream) {
      const token = streamToken(request);
      return token === undefined ? undefined : routes.slotOf(token);
    }
    // To carry a tunnel's bytes would be more work than to have it here.
    if (path !== PATHS.tunnel || socket instanceof TLSSocket) return undefined;
    const to = routes.load.lessBusy();
    if (to !== undefined) routes.load.gave(to);
    return to;
  }
}

/** The request as it came, and whose it is. */
function requestHead({ method, url, rawHeaders }: IncomingMessage, address: string): Buffer {
  const lines = [`${method ?? "GET"} ${url ?? "/"} HTTP/1.1`, `${ADDRESS_HEADER}: ${address}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (name.toLowerCase() !== ADDRESS_HEADER) lines.push(`${name}: ${rawHeaders[i + 1] ?? ""}`);
  }
  // Node has read header values as Latin-1.
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

function streamToken(request: IncomingMessage): StreamToken | undefined {
  try {
    return parseStreamToken(bearerToken(request.headers.authorization));
  } catch (error) {
    // Refused where it is, in words.
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
}

/** Each side's end is the other's, after what it has sent; back-pressure passes through. */
function carry(socket: Duplex, bytes: Buffer, path: string): void {
  const other = createConnection({ path });
  other.write(bytes);
  socket.pipe(other);
  other.pipe(socket);
  for (const [side, opposite] of [
    [socket, other],
    [other, socket],
  ] as const) {
    side.on("error", () => side.destroy());
    side.once("close", () => {
      if (!opposite.writableEnded) opposite.destroy();
      // A peer that does not answer the end must not keep its connection.
      destroyAfter(opposite, LINGER_MS);
    });
  }
}
