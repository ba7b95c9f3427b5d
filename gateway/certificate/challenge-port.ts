// The plain HTTP port of `--acme-http`. It answers HTTP-01 challenges (RFC 8555 §8.3), and redirects people
// who typed the name without https; nothing else is served without TLS. Anybody can connect to it, so a
// request may take a few seconds, and a connection that makes no progress is evicted for a newcomer.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { FairSlots } from "../../protocol/flow/fair-slots.ts";
import { addressBlock } from "../../protocol/values/address-block.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { plainAddress } from "../address.ts";

export const CHALLENGE_PORT_LIMITS = {
  connections: 2_000,
  perAddress: 50,
  /**
   * A connection that is older may be evicted. An authority sends its request as soon as it is connected, so it gets through a
   * flood of 6,000 connections per second.
   */
  stalledMs: 300,
  /** From the connection to the end of the request's headers. */
  requestMs: 5_000,
  /** For the answer, which is short. */
  idleMs: 5_000,
  headerBytes: 8 * 1024,
} as const;

const CHALLENGE_PATH = /^\/\.well-known\/acme-challenge\/([A-Za-z0-9_-]{16,256})$/;
/** A path and a query as browsers send them. */
const REDIRECTED = /^\/[\x21-\x7e]{0,2000}$/;

interface ChallengePortOptions {
  readonly publicUrl: GatewayUrl;
  /** The answer to a running challenge. */
  readonly answer: (token: string) => string | undefined;
}

/** A server that is not listening yet. @param limits fewer connections, for tests */
export function createChallengePort(
  { publicUrl, answer }: ChallengePortOptions,
  limits: Readonly<Record<keyof typeof CHALLENGE_PORT_LIMITS, number>> = CHALLENGE_PORT_LIMITS,
): Server {
  const { connections, perAddress, stalledMs, requestMs, idleMs, headerBytes } = limits;
  const server = createServer({
    maxHeaderSize: headerBytes,
    headersTimeout: requestMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 1,
  });
  server.maxRequestsPerSocket = 1;
  server.maxHeadersCount = 100;
  server.timeout = idleMs;
  const slots = new FairSlots({ total: connections, perHolder: perAddress, stalledMs });
  server.on("connection", (socket: Socket) => {
    // What is sent to this port is short, and nobody's work is lost with it.
    const end = (): void => void socket.destroy();
    const slot = slots.enter([addressBlock(plainAddress(socket.remoteAddress ?? ""))], end);
    if (typeof slot === "string") socket.destroy();
    else socket.once("close", () => slot.leave());
  });
  const { origin } = new URL(publicUrl);
  server.on("request", (request, response) => respond(request, response, origin, answer));
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    else socket.destroy();
  });
  return server;
}

function respond(
  request: IncomingMessage,
  response: ServerResponse,
  origin: string,
  answer: ChallengePortOptions["answer"],
): void {
  const { method, url = "" } = request;
  const send = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): void => {
    const common = { connection: "close", "content-type": "text/plain", "content-length": text.length };
    response.writeHead(status, { ...common, ...headers }).end(text);
  };
  const token = CHALLENGE_PATH.exec(url)?.[1];
  const content = token === undefined ? undefined : answer(token);
  if (method !== "GET" && method !== "HEAD") {
    // A redirect would hide that whatever the request contains has crossed the network in clear text.
    send(403, `Nothing is taken without TLS: use ${origin}\n`);
  } else if (content !== undefined) {
    send(200, content, { "content-type": "application/octet-stream" });
  } else if (!url.startsWith("/.well-known/acme-challenge/") && REDIRECTED.test(url)) {
    send(302, `This gateway is at ${origin}\n`, { location: `${origin}${url}` });
  } else {
    send(404, "There is nothing here.\n");
  }
}
