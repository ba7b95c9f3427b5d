// Keeps the WebSockets of streams alive, and ends those of which nothing is heard. Load balancers cut what is idle, and a
// peer that is gone must not hold the other one. One timer serves all: an idle tunnel costs a gateway next to nothing, and
// ten thousand pings do not fall due at once.

import type { WebSocket } from "ws";
import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../../protocol/limits.ts";
import { CLOSED, OPEN } from "../../protocol/web-socket.ts";

/** The sockets are dealt out over so many turns of each interval. */
const TURNS = 20;
/** Pings that nothing came after. */
const MISSED_MOST = Math.floor(DEAD_AFTER_MS / PING_INTERVAL_MS);

const heartbeats = new Map<WebSocket, Heartbeat>();
let current = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Pings a WebSocket each PING_INTERVAL_MS until it is stopped, and terminates it when the next ping falls due after
 * MISSED_MOST that nothing came after. Pongs are seen to; whoever hears something else says so.
 */
export class Heartbeat {
  readonly turn = current;
  /** Pings since anything was heard. */
  missed = 0;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("pong", onPong);
    if (heartbeats.size === 0) timer = setInterval(beat, PING_INTERVAL_MS / TURNS);
    heartbeats.set(socket, this);
  }

  heard(): void {
    this.missed = 0;
  }

  /** As soon as the socket is closed; one that was closed before is found out. */
  stop(): void {
    heartbeats.delete(this.#socket);
    if (heartbeats.size === 0) clearInterval(timer);
  }
}

function onPong(this: WebSocket): void {
  heartbeats.get(this)?.heard();
}

function beat(): void {
  current = (current + 1) % TURNS;
  for (const [socket, heartbeat] of heartbeats) {
    if (heartbeat.turn !== current) continue;
    if (socket.readyState === CLOSED) heartbeat.stop();
    if (socket.readyState !== OPEN) continue;
    // A paused socket cannot be heard; the slow side's own check finds out whether it lives.
    if (!socket.isPaused && heartbeat.missed++ >= MISSED_MOST) socket.terminate();
    else socket.ping();
  }
}
