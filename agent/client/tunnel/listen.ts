// `sallyport tunnel --listen`: a local port or socket for SSH clients without a ProxyCommand. Each connection gets its own
// tunnel. The workspace's SSH server answers there, and asks for a key as always.

import { createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { WebSocket } from "ws";
import type { CommandContext } from "../../../protocol/command/command.ts";
import type { StreamState } from "../../../protocol/resume/initiator.ts";
import { SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { webSocketStream } from "../../../protocol/web-socket/web-socket.ts";
import type { CommandError } from "../../platform/command-error.ts";
import type { Log } from "../../platform/log.ts";
import { bind, type ListenAddress } from "./listen-address.ts";
import { closeError, dialFirst, type TunnelTarget } from "./tunnel.ts";

const MAX_CONNECTIONS = 64;

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
  const { shown, close } = await bind(server, address);
  const whose = address.kind === "port" ? ", for every user of this machine" : ", for you alone";
  context.stdout.write(
    options.json
      ? `${JSON.stringify({ event: "ready", listen: shown })}\n`
      : `Listening on ${shown}${whose}. Press Ctrl-C to stop.\n`,
  );
  await new Promise<void>((resolve) => {
    if (context.signal.aborted) resolve();
    context.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  close();
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
    // When one side hangs up, both end; only the gateway's reason is worth reporting.
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
  // Once the client has gone, there is nothing to resume for.
  connection.once("close", () => tunnel.abort());
  connection.on("error", () => undefined);
  tunnel.stream.pipe(connection);
  connection.pipe(tunnel.stream);
  await new Promise<void>((resolve) => tunnel.stream.once("close", () => resolve()));
  if (lost !== undefined && !connection.destroyed) throw lostError(lost);
}
