// Joins a channel and a local socket. Each direction has its own end and its own back-pressure.

import type { Socket } from "node:net";
import type { Channel } from "../../../../protocol/ssh/channel.ts";

/** After the client has gone, the local end has this long to read what was still sent to it. */
const LINGER_MS = 30_000;

/** `socket` is connected and was made with `allowHalfOpen`. */
export function splice(channel: Channel, socket: Socket): void {
  socket.setNoDelay(true);
  socket.on("error", () => channel.destroy());
  socket.on("close", (hadError) => {
    if (hadError) channel.destroy();
  });
  // After CLOSE in both directions, an error, or one of our limits: the socket flushes and ends.
  channel.once("close", () => socket.destroySoon());
  channel.once("gone", () => {
    socket.unpipe(channel);
    socket.resume();
    socket.setTimeout(LINGER_MS, () => socket.destroy());
    if (channel.readableEnded) socket.destroySoon();
    else channel.once("end", () => socket.destroySoon());
  });
  channel.pipe(socket);
  socket.pipe(channel);
}
