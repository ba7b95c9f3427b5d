// Gives a WebSocket request, before it is answered, to the worker that should serve it. Any worker may accept
// a connection, but a host's dial-back belongs to the worker that waits for it, and a tunnel goes to a less
// busy one.
//
// A plain connection is given away as it is, with the bytes that were read from it. A TLS connection cannot
// be given away, because its keys are in this process: its bytes are carried to the other worker over a Unix
// socket, in a directory that only the gateway's user can enter.

import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createConnection, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { ProtocolError } from "../../../protocol/errors.ts";
import { destroyAfter } from "../../../protocol/flow/end-then-destroy.ts";
import { PATHS } from "../../../protocol/values/gateway-url.ts";
import { bearerToken, parseStreamToken, type StreamToken } from "../../../protocol/values/token.ts";
import { closeServer, LIMITS, trackConnections } from "../../server.ts";
import type { Channel } from "../channel.ts";
import type { Welcome } from "../messages.ts";
import type { Handover } from "../siblings.ts";
import { socketPath } from "../socket-path.ts";
import { stopReading } from "../stop-reading.ts";
import type { WorkerRoutes } from "./worker-routes.ts";

/** Names the client's address in a request that is carried. Only workers set it. */
const ADDRESS_HEADER = "sallyport-client-address";

const LINGER_MS = 5_000;

interface HandoverOptions {
  readonly channel: Channel;
  readonly welcome: Welcome;
  readonly routes: WorkerRoutes;
  readonly clientAddress: (request: IncomingMessage) => string;
}

export class WorkerHandover implements Handover {
  readonly #options: HandoverOptions;
  /** Receives what other workers give, as HTTP requests. */
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
    // A worker that was killed leaves its socket behind.
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      // `exclusive`, since Node's cluster module would share it with the other workers.
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
    const to = this.#given.has(request) ? undefined : this.#slotFor(request, socket);
    if (to === undefined || to === welcome.slot) return false;
    if (!routes.load.isUp(to)) return false;
    const bytes = Buffer.concat([requestHead(request, clientAddress(request)), head]);
    if (socket instanceof Socket && !(socket instanceof TLSSocket) && stopReading(socket)) {
      channel.sendSocket({ type: "handover", to, bytes: bytes.toString("base64") }, socket);
    } else carry(socket, bytes, socketPath(welcome.directory, to));
    return true;
  }

  /** The slot of the worker that should serve the request; undefined: any worker may. */
  #slotFor(request: IncomingMessage, socket: Duplex): number | undefined {
    const { routes } = this.#options;
    const path = request.url?.split("?", 1)[0];
    if (path === PATHS.stream) {
      const token = streamToken(request);
      return token === undefined ? undefined : routes.slotOf(token);
    }
    // Carrying a TLS tunnel's bytes to another worker would cost more than serving it here.
    if (path !== PATHS.tunnel || socket instanceof TLSSocket) return undefined;
    const to = routes.load.lessBusy();
    if (to !== undefined) routes.load.gave(to);
    return to;
  }
}

/** The request as it came, with the client's address. */
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
    // This worker refuses it.
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
}

/** Joins a connection and another worker. Each side ends the other, after the bytes that it has sent. */
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
      // A peer that does not answer the end cannot keep its connection open.
      destroyAfter(opposite, LINGER_MS);
    });
  }
}
