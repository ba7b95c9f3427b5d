// Joins a WebSocket and a byte stream, for links whose streams are no WebSockets. Back-pressure goes both ways: a side that
// is slow to read stops the other from being read.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../../protocol/limits.ts";
import { closeReason, OPEN, webSocketStream } from "../../protocol/web-socket.ts";
import type { Splice } from "./splice.ts";

/** `a` is the WebSocket's side. */
export function spliceStream(
  socket: WebSocket,
  stream: Duplex,
  onBytes: (fromA: number, fromB: number) => void,
): Splice {
  const started = performance.now();
  const bytes = { fromA: 0, fromB: 0 };
  const client = webSocketStream(socket);
  const stopPings = pinging(socket);
  client.on("data", (data: Buffer) => {
    bytes.fromA += data.length;
    onBytes(data.length, 0);
  });
  stream.on("data", (data: Buffer) => {
    bytes.fromB += data.length;
    onBytes(0, data.length);
  });
  for (const side of [client, stream]) {
    side.on("error", () => {
      // "close" follows and ends the other side.
    });
  }
  client.pipe(stream);
  stream.pipe(client);
  const clientClosed = closed(socket).then(() => {
    stopPings();
    if (!stream.destroyed) stream.destroy();
  });
  const streamClosed = closed(stream).then(() => {
    // What has been read from the stream leaves first.
    if (!client.writableEnded) client.end();
  });
  return {
    ended: Promise.all([clientClosed, streamClosed]).then(() => ({
      bytesFromA: bytes.fromA,
      bytesFromB: bytes.fromB,
      durationMs: Math.round(performance.now() - started),
    })),
    close(code, reason) {
      if (socket.isPaused) socket.resume();
      if (socket.readyState === OPEN) socket.close(code, closeReason(reason));
      stream.destroy();
    },
  };
}

function closed(side: { once(event: "close", listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => {
    side.once("close", () => resolve());
  });
}

/** Returns the way to stop. */
function pinging(socket: WebSocket): () => void {
  let heard = Date.now();
  const note = (): void => {
    heard = Date.now();
  };
  socket.on("message", note);
  socket.on("pong", note);
  const timer = setInterval(() => {
    // A paused socket cannot be heard.
    if (!socket.isPaused && Date.now() - heard > DEAD_AFTER_MS) socket.terminate();
    else if (socket.readyState === OPEN) socket.ping();
  }, PING_INTERVAL_MS);
  return () => clearInterval(timer);
}
