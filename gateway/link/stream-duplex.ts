// A link's stream as plain bytes, for those who speak SSH on it themselves instead of splicing WebSockets.

import type { Duplex } from "node:stream";
import { webSocketStream } from "../../protocol/web-socket/web-socket.ts";
import { Heartbeat } from "../splice/keep-alive.ts";
import type { LinkStream } from "./link.ts";

export function streamDuplex(stream: LinkStream): Duplex {
  if (stream.kind === "duplex") return stream.stream;
  const { socket } = stream;
  const heartbeat = new Heartbeat(socket);
  socket.on("message", () => heartbeat.heard());
  socket.once("close", () => heartbeat.stop());
  return webSocketStream(socket);
}
