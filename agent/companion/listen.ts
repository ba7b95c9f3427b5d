// `sallyport tunnel --listen`: a local port for SSH clients that have no ProxyCommand. Each connection gets a tunnel of
// its own. What answers there is the workspace's SSH server, which lets nobody in without a key.

import { createServer, isIPv6, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { WebSocket } from "ws";
import { SUBPROTOCOL } from "../../protocol/gateway-url.ts";
import type { StreamState } from "../../protocol/resume/initiator.ts";
import { webSocketStream } from "../../protocol/web-socket.ts";
import { type CommandContext, CommandError, UsageError } from "../command.ts";
import type { Log } from "../log.ts";
import { closeError, dialFirst, type TunnelTarget } from "./tunnel.ts";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const MAX_CONNECTIONS = 64;

/** `HOST:PORT`, `[::1]:PORT` or `PORT`. @throws UsageError where it is none of these, or not this machine alone */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:(\[[0-9a-f:.]+\]|[^:[\]]+):)?(\d{1,5})$/i.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535)
    throw new UsageError(`--listen takes HOST:PORT, not ${JSON.stringify(text)}`);
  const host = (match[1] ?? "127.0.0.1").replace(/^\[|\]$/g, "");
  if (host !== "localhost" && host !== "::1" && !/^127(\.\d{1,3}){3}$/.test(host)) {
    throw new UsageError(
      "--listen takes a loopback address (127.0.0.1, ::1, localhost): the port is for this machine only",
    );
  }
  return { host, port };
}

/** Serves until `signal` is aborted. */
export async function listen(
  address: ListenAddress,
  target: TunnelTarget,
  options: { json: boolean; context: CommandContext; log: Log },
): Promise<number> {
  const { context, log } = options;
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((connection) => {
    open.add(connection);
    connection.setNoDelay(true);
    const number = ++connections;
    const onState = (state: StreamState, why: string): void => {
      log.debug(`connection ${number}: ${state}${why === "" ? "" : ` (${why})`}`);
      if (options.json)
        context.stdout.write(`${JSON.stringify({ event: "state", connection: number, state })}\n`);
    };
    carry(connection, target, onState, context.signal)
      .catch((error: unknown) => log.warn(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        open.delete(connection);
        connection.destroy();
      });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "the port is in use" : cause.message;
      const message = `cannot listen on ${address.host} port ${address.port}: ${why}`;
      reject(new CommandError("tcp", cause.code ?? "EFAILED", message, { cause }));
    });
    server.listen(address.port, address.host);
  });
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  const shown = `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${port}`;
  context.stdout.write(
    options.json
      ? `${JSON.stringify({ event: "ready", listen: shown })}\n`
      : `Listening on ${shown}. Press Ctrl-C to stop.\n`,
  );
  await new Promise<void>((resolve) => {
    if (context.signal.aborted) resolve();
    context.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  server.close();
  for (const connection of open) connection.destroy();
  return 0;
}

async function carry(
  connection: Socket,
  target: TunnelTarget,
  onState: (state: StreamState, why: string) => void,
  signal: AbortSignal,
): Promise<void> {
  connection.pause();
  const socket = await dialFirst(target, [SUBPROTOCOL.resume, SUBPROTOCOL.raw], signal);
  if (socket.protocol === SUBPROTOCOL.resume)
    return await carryOn(connection, socket, target, onState, signal);
  let closed: CommandError | undefined;
  socket.on("close", (code, reason) => {
    closed = closeError(code, reason.toString());
  });
  const stream = webSocketStream(socket);
  try {
    await pipeline(connection, stream, connection);
  } catch (error) {
    // Either side hanging up in the middle ends both; only the gateway's own reason is worth a line.
    if (closed !== undefined) throw closed;
    if (!(error instanceof Error)) throw error;
  }
}

async function carryOn(
  connection: Socket,
  first: WebSocket,
  target: TunnelTarget,
  onState: (state: StreamState, why: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { resumable, lostError } = await import("./resumable.ts");
  const tunnel = resumable(first, target, onState, signal);
  let lost: Error | undefined;
  tunnel.stream.on("error", (error) => {
    lost = error;
  });
  // A client that is gone is not waited for.
  connection.once("close", () => tunnel.abort());
  connection.on("error", () => undefined);
  tunnel.stream.pipe(connection);
  connection.pipe(tunnel.stream);
  await new Promise<void>((resolve) => tunnel.stream.once("close", () => resolve()));
  if (lost !== undefined && !connection.destroyed) throw lostError(lost);
}
