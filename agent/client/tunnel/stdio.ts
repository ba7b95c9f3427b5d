// Connects a tunnel to this process's stdin and stdout, as ssh expects of a ProxyCommand.

import type { Readable, Writable } from "node:stream";
import type { WebSocket } from "ws";
import type { CommandContext } from "../../../protocol/command/command.ts";
import { CLOSE } from "../../../protocol/errors.ts";
import { DEAD_AFTER_MS, HIGH_WATER_BYTES, PING_INTERVAL_MS } from "../../../protocol/limits.ts";
import type { Initiator } from "../../../protocol/resume/initiator.ts";
import { sendBytes } from "../../../protocol/web-socket/web-socket.ts";
import type { Log } from "../../platform/log.ts";
import { lostError } from "./resumable.ts";
import type { StatusFile } from "./status-file.ts";
import { closeError } from "./tunnel.ts";

/** How long the tunnel stays open, at most, after ssh has hung up. */
const HANG_UP_MS = 2_000;

/**
 * Carries bytes until either side ends. Returns exit code 0 if ssh hung up, or the workspace closed normally.
 * @throws CommandError where the tunnel was cut
 */
export async function tunnelStdio(
  socket: WebSocket,
  context: CommandContext,
  log: Log,
  status: StatusFile,
): Promise<number> {
  const { stdin, stdout, signal } = context;
  const keepAlive = watch(socket, status);
  const onAbort = (): void => socket.close(CLOSE.normal);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  send(stdin, socket, status);
  const { code, reason } = await receive(socket, stdout, status);
  clearInterval(keepAlive);
  await status.end();
  signal.removeEventListener("abort", onAbort);
  log.debug(`the tunnel ended with ${code}${reason === "" ? "" : ` (${reason})`}`);
  await flushed(stdout);
  const error = stdin.readableEnded || signal.aborted ? undefined : closeError(code, reason);
  if (error !== undefined) throw error;
  return 0;
}

/**
 * The same for a tunnel that outlives its connections.
 * @throws CommandError if the stream is lost
 */
export async function resumableStdio(
  tunnel: Initiator,
  context: CommandContext,
  status: StatusFile,
): Promise<number> {
  const { stdin, stdout, signal } = context;
  const { stream } = tunnel;
  let lost: Error | undefined;
  stream.on("data", (data: Buffer) => status.received(data.length));
  stdin.on("data", (data: Buffer) => status.sent(data.length));
  stream.on("error", (error) => {
    lost = error;
  });
  for (const side of [stdin, stdout]) side.on("error", () => tunnel.abort());
  // ssh has hung up: its last bytes are still sent, if there is a connection, and the workspace's last bytes are taken.
  stdin.on("end", () => setTimeout(() => tunnel.abort(), HANG_UP_MS).unref());
  stream.pipe(stdout, { end: false });
  stdin.pipe(stream);
  await new Promise<void>((resolve) => stream.once("close", () => resolve()));
  const isLost = lost !== undefined && !stdin.readableEnded && !signal.aborted;
  await status.end(isLost ? "lost" : undefined);
  await flushed(stdout);
  if (lost === undefined || !isLost) return 0;
  throw lostError(lost);
}

/** stdin → tunnel. Stops reading while more than HIGH_WATER_BYTES wait to be sent. */
function send(stdin: Readable, socket: WebSocket, status: StatusFile): void {
  stdin.on("data", (chunk: Buffer) => {
    if (socket.readyState !== socket.OPEN) return;
    status.sent(chunk.length);
    sendBytes(socket, chunk, () => {
      if (stdin.isPaused() && socket.bufferedAmount < HIGH_WATER_BYTES / 2) stdin.resume();
    });
    if (socket.bufferedAmount > HIGH_WATER_BYTES) stdin.pause();
  });
  // ssh has hung up; its last bytes are still sent, because a close frame queues behind data.
  stdin.on("end", () => socket.close(CLOSE.normal));
  stdin.on("error", () => socket.close(CLOSE.normal));
}

/** Tunnel → stdout. Stops reading while stdout is full. */
function receive(
  socket: WebSocket,
  stdout: Writable,
  status: StatusFile,
): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    socket.on("message", (data, isBinary) => {
      if (!isBinary || !Buffer.isBuffer(data)) {
        socket.close(CLOSE.protocolError, "binary messages only");
        return;
      }
      status.received(data.length);
      if (!stdout.write(data)) socket.pause();
    });
    stdout.on("drain", () => {
      if (socket.isPaused) socket.resume();
    });
    // "close" follows an error, with the code and the reason.
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    stdout.on("error", () => socket.close(CLOSE.normal));
    socket.resume();
  });
}

/** Pings, and ends the tunnel after too long a silence: a dead network gives no other sign. */
function watch(socket: WebSocket, status: StatusFile): NodeJS.Timeout {
  let heard = Date.now();
  const alive = (): void => {
    heard = Date.now();
  };
  for (const event of ["message", "ping", "pong"] as const) socket.on(event, alive);
  socket.on("pong", () => status.ponged());
  const ping = (): void => {
    status.pinged();
    socket.ping();
  };
  ping();
  return setInterval(() => {
    if (!socket.isPaused && Date.now() - heard > DEAD_AFTER_MS) socket.terminate();
    else if (socket.readyState === socket.OPEN) ping();
  }, PING_INTERVAL_MS);
}

function flushed(stdout: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stdout.destroyed || stdout.writableLength === 0) resolve();
    else stdout.write("", () => resolve());
  });
}
