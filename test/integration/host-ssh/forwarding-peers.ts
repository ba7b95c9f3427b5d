// Both ends of forwarded connections, as the tests play them.

import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";

/** All that arrives until the other side has ended; the socket stays open for an answer. */
export const textOf = (socket: Socket) => text(socket.iterator({ destroyOnReturn: false }));

/** Sends `data`, ends, and resolves with what comes back. */
export async function exchange(
  where: { port: number } | { path: string },
  data: string | Buffer,
): Promise<Buffer> {
  const socket = connect({
    ...where,
    ...("port" in where ? { host: "127.0.0.1" } : {}),
    allowHalfOpen: true,
  });
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  socket.end(data);
  await new Promise<void>((resolve, reject) => {
    socket.once("end", resolve);
    socket.once("error", reject);
  });
  socket.destroy();
  return Buffer.concat(received);
}

/** Whether somebody listens there. */
export const accepts = (where: { port: number; host?: string } | { path: string }) =>
  new Promise<boolean>((resolve) => {
    const probe: Socket = connect({ host: "127.0.0.1", ...where });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
