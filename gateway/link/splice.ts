// Joins two WebSockets: what one receives goes to the other as it comes. A side that is slow to read makes the gateway
// stop reading from the other one, so that it holds at most HIGH_WATER_BYTES and what was read at once a direction.

import type { WebSocket } from "ws";
import { CLOSE } from "../../protocol/errors.ts";
import { SUBPROTOCOL } from "../../protocol/gateway-url.ts";
import { DEAD_AFTER_MS, HIGH_WATER_BYTES, PING_INTERVAL_MS } from "../../protocol/limits.ts";
import { closeReason, OPEN } from "../../protocol/web-socket.ts";
import { relayFrames } from "./frame-relay.ts";

/**
 * What a message that waits costs in memory besides its bytes: buffers, queue entries, callbacks. Without it a peer that
 * sends single bytes to one that does not read would have the gateway hold a thousand times what the bytes add up to.
 */
const MESSAGE_BYTES = 1024;

/** What one side's end means to the other one as well: it was in order, or another connection took over. */
const PASSED_ON: ReadonlySet<number> = new Set([CLOSE.normal, CLOSE.fenced]);

export interface SpliceEnd {
  readonly bytesFromA: number;
  readonly bytesFromB: number;
  readonly durationMs: number;
}

export interface Splice {
  /** Settles when both sides are closed. Never rejects: an error on one side closes the other. */
  readonly ended: Promise<SpliceEnd>;
  /** Closes both sides. */
  close(code: number, reason: string): void;
}

export function splice(a: WebSocket, b: WebSocket, onBytes: (fromA: number, fromB: number) => void): Splice {
  const started = performance.now();
  const bytes = { fromA: 0, fromB: 0 };
  const closedA = forward(a, b, (n) => {
    bytes.fromA += n;
    onBytes(n, 0);
  });
  const closedB = forward(b, a, (n) => {
    bytes.fromB += n;
    onBytes(0, n);
  });
  return {
    ended: Promise.all([closedA, closedB]).then(() => ({
      bytesFromA: bytes.fromA,
      bytesFromB: bytes.fromB,
      durationMs: Math.round(performance.now() - started),
    })),
    close(code, reason) {
      for (const socket of [a, b]) close(socket, code, reason);
    },
  };
}

function forward(from: WebSocket, to: WebSocket, onBytes: (n: number) => void): Promise<void> {
  let heard = Date.now();
  let waiting = 0;
  const arrived = (bytes: number): void => {
    onBytes(bytes);
    if (to.readyState !== OPEN) return;
    waiting += bytes + MESSAGE_BYTES;
    if (waiting > HIGH_WATER_BYTES) from.pause();
  };
  const sent = (bytes: number): void => {
    waiting -= bytes + MESSAGE_BYTES;
    if (from.isPaused && waiting < HIGH_WATER_BYTES / 2) from.resume();
  };
  relayFrames(from, to, {
    keepBorders: to.protocol !== SUBPROTOCOL.raw,
    onPiece: (bytes) => {
      heard = Date.now();
      arrived(bytes);
    },
    onSent: sent,
  });
  // What the relay leaves: messages that are masked, and what is not allowed.
  from.on("message", (data, isBinary) => {
    heard = Date.now();
    if (!isBinary || !Buffer.isBuffer(data)) {
      close(from, CLOSE.protocolError, "binary messages only");
      return;
    }
    arrived(data.length);
    if (to.readyState === OPEN) to.send(data, { binary: true }, () => sent(data.length));
  });
  from.on("pong", () => {
    heard = Date.now();
  });
  const pings = setInterval(() => {
    // A paused socket cannot be heard; the slow side's own check finds out whether it lives.
    if (!from.isPaused && Date.now() - heard > DEAD_AFTER_MS) from.terminate();
    else if (from.readyState === OPEN) from.ping();
  }, PING_INTERVAL_MS);
  return new Promise((resolve) => {
    from.on("error", () => {
      // "close" follows and tells the other side.
    });
    from.on("close", (code, reason) => {
      clearInterval(pings);
      close(to, PASSED_ON.has(code) ? code : CLOSE.peerGone, reason.toString());
      resolve();
    });
    if (from.isPaused) from.resume();
  });
}

/** Closes after what was sent; a paused side would never see the answer to its close frame. */
export function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.isPaused) socket.resume();
  if (socket.readyState === OPEN) socket.close(code, closeReason(reason));
}
