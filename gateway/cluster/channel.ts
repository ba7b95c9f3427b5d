// A worker's line to the primary: messages in both directions, some of them with a connection.

import { Socket } from "node:net";
import { type FromPrimary, type FromWorker, parseFromPrimary } from "./messages.ts";

export interface Channel {
  send(message: FromWorker): void;
  /** Gives a connection away. It is closed in this process once the other one has it. */
  sendSocket(message: FromWorker, socket: Socket): void;
  /**
   * A socket that comes with a message belongs to the listeners; its peer closes one that no listener takes.
   */
  onMessage(listener: (message: FromPrimary, socket: Socket | undefined) => void): void;
}

/** @param failed called with what a malformed message or a listener throws */
export function openChannel(process: NodeJS.Process, failed: (error: unknown) => void): Channel {
  const listeners: ((message: FromPrimary, socket: Socket | undefined) => void)[] = [];
  process.on("message", (value: unknown, handle: unknown) => {
    const socket = handle instanceof Socket ? handle : undefined;
    // Its peer may leave before a listener has taken it.
    socket?.on("error", () => socket.destroy());
    try {
      const message = parseFromPrimary(value);
      for (const listener of listeners) listener(message, socket);
    } catch (error) {
      socket?.destroy();
      failed(error);
    }
  });
  return {
    // Without a primary this process ends at once (Node's cluster module does that), so failures need no
    // report.
    send: (message) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
    },
    sendSocket: (message, socket) => {
      if (process.connected) process.send?.(message, socket, undefined, () => socket.destroy());
      else socket.destroy();
    },
    onMessage: (listener) => {
      listeners.push(listener);
    },
  };
}
