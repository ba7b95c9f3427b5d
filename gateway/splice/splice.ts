// Joins two WebSockets: what one receives is sent to the other at once (frame-relay.ts moves the bytes).
// While one side is slow to read, the gateway stops reading from the other, so that it holds at most
// HIGH_WATER_BYTES and one read per direction.

import type { WebSocket } from "ws";
import { CLOSE } from "../../protocol/errors.ts";
import { HIGH_WATER_BYTES, WAITING_MESSAGE_BYTES } from "../../protocol/limits.ts";
import { SUBPROTOCOL } from "../../protocol/values/gateway-url.ts";
import { CLOSED, closeReason, OPEN } from "../../protocol/web-socket/web-socket.ts";
import { type RelayOwner, relayFrames } from "./frame-relay.ts";
import { Heartbeat } from "./keep-alive.ts";

/**
 * The close codes that are passed on to the other side: an end in good order, or a newer connection that took
 * over.
 */
const PASSED_ON: ReadonlySet<number> = new Set([CLOSE.normal, CLOSE.fenced]);

export interface SpliceEnd {
  readonly bytesFromA: number;
  readonly bytesFromB: number;
  readonly durationMs: number;
}

/** Is told what the two sides exchange. */
export interface SpliceWatcher {
  /** So many bytes came from each side. */
  moved(fromA: number, fromB: number): void;
  /** Both sides are closed: an error on one closes the other. */
  ended(end: SpliceEnd): void;
}

export interface Splice {
  /** Closes both sides. */
  close(code: number, reason: string): void;
}

export function splice(a: WebSocket, b: WebSocket, watcher: SpliceWatcher): Splice {
  return new Pair(a, b, watcher);
}

class Pair implements Splice {
  readonly #started = performance.now();
  readonly #watcher: SpliceWatcher;
  readonly #fromA: Direction;
  readonly #fromB: Direction;

  constructor(a: WebSocket, b: WebSocket, watcher: SpliceWatcher) {
    this.#watcher = watcher;
    this.#fromA = new Direction(a, b, this);
    this.#fromB = new Direction(b, a, this);
    this.#fromA.start();
    this.#fromB.start();
  }

  close(code: number, reason: string): void {
    for (const { from } of [this.#fromA, this.#fromB]) close(from, code, reason);
  }

  arrived(direction: Direction, bytes: number): void {
    if (direction === this.#fromA) this.#watcher.moved(bytes, 0);
    else this.#watcher.moved(0, bytes);
  }

  closed(): void {
    if (!this.#fromA.isClosed || !this.#fromB.isClosed) return;
    this.#watcher.ended({
      bytesFromA: this.#fromA.bytes,
      bytesFromB: this.#fromB.bytes,
      durationMs: Math.round(performance.now() - this.#started),
    });
  }
}

/**
 * By the WebSocket that their bytes come from. A table instead of closures saves memory: thousands of tunnels
 * are idle.
 */
const directions = new WeakMap<WebSocket, Direction>();

class Direction implements RelayOwner {
  readonly from: WebSocket;
  readonly to: WebSocket;
  readonly keepBorders: boolean;
  /** Bytes that have come. */
  bytes = 0;
  isClosed = false;
  readonly #pair: Pair;
  readonly #heartbeat: Heartbeat;
  /** What the bytes that `to` has not sent yet cost in memory. */
  #waitingBytes = 0;

  constructor(from: WebSocket, to: WebSocket, pair: Pair) {
    this.from = from;
    this.to = to;
    this.keepBorders = to.protocol !== SUBPROTOCOL.raw;
    this.#pair = pair;
    this.#heartbeat = new Heartbeat(from);
  }

  start(): void {
    const { from } = this;
    directions.set(from, this);
    relayFrames(this);
    // Messages that the relay does not handle, and those that are not allowed.
    from.on("message", onMessage).on("error", onError).on("close", onClose);
    if (from.isPaused) from.resume();
    // A host may have left before its client arrived.
    if (from.readyState === CLOSED) setImmediate(() => this.closed(CLOSE.peerGone, ""));
  }

  arrived(bytes: number): void {
    this.bytes += bytes;
    this.#heartbeat.heard();
    this.#pair.arrived(this, bytes);
  }

  sending(bytes: number): void {
    this.#waitingBytes += bytes + WAITING_MESSAGE_BYTES;
    if (this.#waitingBytes > HIGH_WATER_BYTES) this.from.pause();
  }

  sent(bytes: number): void {
    this.#waitingBytes -= bytes + WAITING_MESSAGE_BYTES;
    if (this.from.isPaused && this.#waitingBytes < HIGH_WATER_BYTES / 2) this.from.resume();
  }

  message(data: unknown, isBinary: boolean): void {
    if (!isBinary || !Buffer.isBuffer(data)) {
      close(this.from, CLOSE.protocolError, "binary messages only");
      return;
    }
    this.arrived(data.length);
    if (this.to.readyState !== OPEN) return;
    this.sending(data.length);
    this.to.send(data, { binary: true }, () => this.sent(data.length));
  }

  closed(code: number, reason: string): void {
    this.isClosed = true;
    this.#heartbeat.stop();
    close(this.to, PASSED_ON.has(code) ? code : CLOSE.peerGone, reason);
    this.#pair.closed();
  }
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  directions.get(this)?.message(data, isBinary);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  directions.get(this)?.closed(code, reason.toString());
}

function onError(): void {
  // "close" follows and tells the other side.
}

/**
 * Closes once what was sent has left. A paused side would never see the answer to its close frame, so it is
 * resumed.
 */
export function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.isPaused) socket.resume();
  if (socket.readyState === OPEN) socket.close(code, closeReason(reason));
}
