// A link's stream as plain bytes, for those who speak SSH on it themselves instead of splicing WebSockets.

import type { Duplex } from "node:stream";
import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../../protocol/limits.ts";
import { OPEN, webSocketStream } from "../../protocol/web-socket.ts";
import type { LinkStream } from "./link.ts";

export function streamDuplex(stream: LinkStream): Duplex {
  if (stream.kind === "duplex") return stream.stream;
  const { socket } = stream;
  let heard = Date.now();
  const hear = (): void => {
    heard = Date.now();
  };
  socket.on("message", hear);
  socket.on("pong", hear);
  // Load balancers between host and gateway cut what is idle; and a host that is gone must not hold its client.
  const pings = setInterval(() => {
    if (!socket.isPaused && Date.now() - heard > DEAD_AFTER_MS) socket.terminate();
    else if (socket.readyState === OPEN) socket.ping();
  }, PING_INTERVAL_MS);
  socket.once("close", () => clearInterval(pings));
  return webSocketStream(socket);
}
