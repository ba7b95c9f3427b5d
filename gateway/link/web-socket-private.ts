// The private parts of the `ws` package that the frame relay stands between. They are checked where they are taken, so
// that another version of `ws` costs speed and nothing else.

import type { Writable } from "node:stream";
import type { WebSocket } from "ws";

export interface WebSocketParts {
  /** Everything that arrives is written to it. */
  readonly receiver: Writable;
  readonly socket: Writable;
}

/** undefined where this `ws` is built otherwise. */
export function partsOf(webSocket: WebSocket): WebSocketParts | undefined {
  const receiver: unknown = Reflect.get(webSocket, "_receiver");
  const socket: unknown = Reflect.get(webSocket, "_socket");
  return isWritable(receiver) && isWritable(socket) ? { receiver, socket } : undefined;
}

function isWritable(value: unknown): value is Writable {
  return (
    typeof value === "object" &&
    value !== null &&
    "write" in value &&
    typeof value.write === "function" &&
    "cork" in value &&
    typeof value.cork === "function"
  );
}
