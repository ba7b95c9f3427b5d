// Two ends of a real WebSocket on loopback, for tests of what carries bytes over one.

import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";
import { zeroMask } from "../../../../protocol/web-socket/web-socket-frame.ts";
import { paceWebSocket } from "../../../../protocol/web-socket/web-socket-pace.ts";

export interface Pair {
  readonly client: WebSocket;
  readonly server: WebSocket;
}

export interface PairOptions {
  /** The client masks as ours do inside TLS. */
  readonly zero?: boolean;
  readonly protocol?: string;
}

const options = { autoPong: false, perMessageDeflate: false, maxPayload: 1024 * 1024 };

/** `make` opens one more pair, each paced as ours are; `close` ends the server and every socket that it made. */
export async function webSocketPairs(): Promise<{
  make(options?: PairOptions): Promise<Pair>;
  close(): Promise<void>;
}> {
  const listener = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  await once(listener, "listening");
  const address = listener.address();
  if (typeof address === "string" || address === null) throw new Error("no port");
  const made: WebSocket[] = [];
  return {
    async make({ zero = false, protocol } = {}) {
      const client = new WebSocket(
        `ws://127.0.0.1:${address.port}`,
        protocol === undefined ? [] : [protocol],
        {
          ...options,
          ...(zero ? { generateMask: zeroMask } : {}),
        },
      );
      const accepted = new Promise<WebSocket>((resolve) =>
        listener.once("connection", (socket) => {
          paceWebSocket(socket);
          resolve(socket);
        }),
      );
      await once(client, "open");
      const server = await accepted;
      paceWebSocket(client);
      made.push(client, server);
      return { client, server };
    },
    async close() {
      for (const socket of made) socket.terminate();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
