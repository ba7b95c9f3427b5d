// Joins a WebSocket and a byte stream, for links whose streams are not WebSockets. While one side is slow to
// read, the other is not read.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { CLOSED, webSocketStream } from "../../protocol/web-socket/web-socket.ts";
import { Heartbeat } from "./keep-alive.ts";
import { close, type Splice, type SpliceWatcher } from "./splice.ts";

/** `a` is the WebSocket's side. */
export function spliceStream(socket: WebSocket, stream: Duplex, watcher: SpliceWatcher): Splice {
  const started = performance.now();
  const bytes = { fromA: 0, fromB: 0 };
  const client = webSocketStream(socket);
  const heartbeat = new Heartbeat(socket);
  client.on("data", (data: Buffer) => {
    heartbeat.heard();
    bytes.fromA += data.length;
    watcher.moved(data.length, 0);
  });
  stream.on("data", (data: Buffer) => {
    bytes.fromB += data.length;
    watcher.moved(0, data.length);
  });
  for (const side of [client, stream]) {
    side.on("error", () => {
      // "close" follows and ends the other side.
    });
  }
  client.pipe(stream);
  stream.pipe(client);
  const clientClosed = closed(socket, socket.readyState === CLOSED).then(() => {
    heartbeat.stop();
    if (!stream.destroyed) stream.destroy();
  });
  const streamClosed = closed(stream, stream.closed).then(() => {
    // Bytes that were read from the stream leave first.
    if (!client.writableEnded) client.end();
  });
  void Promise.all([clientClosed, streamClosed]).then(() =>
    watcher.ended({
      bytesFromA: bytes.fromA,
      bytesFromB: bytes.fromB,
      durationMs: Math.round(performance.now() - started),
    }),
  );
  return {
    close(code, reason) {
      close(socket, code, reason);
      stream.destroy();
    },
  };
}

/** @param already the side is closed, so no event will tell of it */
function closed(
  side: { once(event: "close", listener: () => void): unknown },
  already: boolean,
): Promise<void> {
  return new Promise((resolve) => {
    if (already) resolve();
    else side.once("close", () => resolve());
  });
}
