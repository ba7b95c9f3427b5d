// The private parts of the `ws` package that allow frames to be read and written in place. They are checked before use, so that
// a different version of `ws` costs speed and nothing else.

import type { Duplex, Writable } from "node:stream";
import { zeroMask } from "./web-socket-frame.ts";

export interface WebSocketParts {
  /** `ws` writes everything to it that arrives. */
  readonly receiver: Writable;
  readonly socket: Duplex;
  /** The masks of frames that are sent: a server has none; a client has `zeroMask`, or a random mask per frame. */
  readonly mask: "none" | "zeros" | "random";
}

/**
 * Returns undefined for a WebSocket that is built differently.
 * @param webSocket of the class of the `ws` package, without compression
 */
export function partsOf(webSocket: object): WebSocketParts | undefined {
  const receiver: unknown = Reflect.get(webSocket, "_receiver");
  const socket: unknown = Reflect.get(webSocket, "_socket");
  const sender: unknown = Reflect.get(webSocket, "_sender");
  const isServer: unknown = Reflect.get(webSocket, "_isServer");
  if (!isWritable(receiver) || !isDuplex(socket) || typeof isServer !== "boolean") return undefined;
  if (typeof sender !== "object" || sender === null || Reflect.get(sender, "_socket") !== socket)
    return undefined;
  const isZero = Reflect.get(sender, "_generateMask") === zeroMask;
  return { receiver, socket, mask: isServer ? "none" : isZero ? "zeros" : "random" };
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

function isDuplex(value: unknown): value is Duplex {
  return (
    isWritable(value) &&
    "unshift" in value &&
    typeof value.unshift === "function" &&
    "pause" in value &&
    typeof value.pause === "function" &&
    "resume" in value &&
    typeof value.resume === "function"
  );
}
