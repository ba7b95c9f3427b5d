// Keeps the WebSockets of streams alive, and ends those of which nothing is heard. Load balancers cut what is idle, and a
// peer that is gone must not hold the other one. One timer serves all: an idle tunnel costs a gateway next to nothing, and
// ten thousand pings do not fall due at once.

import type { WebSocket } from "ws";
import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../../protocol/limits.ts";
import { CLOSED, OPEN } from "../../protocol/web-socket/web-socket.ts";

/** The sockets are dealt out over so many turns of each interval. */
const TURNS = 20;
const TURN_MS = PING_INTERVAL_MS / TURNS;

const heartbeats = new Map<WebSocket, Heartbeat>();
/** Turns so far. They stand still while the machine sleeps: that is no silence of the peer's. */
let now = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Pings a WebSocket each PING_INTERVAL_MS until it is stopped, or terminates it instead where nothing has been heard for
 * more than DEAD_AFTER_MS. Pongs are seen to; whoever hears something else says so.
 */
export class Heartbeat {
  readonly #socket: WebSocket;
  readonly #started = now;
  #heardAt = now;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("pong", onPong);
    if (heartbeats.size === 0) timer = setInterval(turn, TURN_MS);
    heartbeats.set(socket, this);
  }

  heard(): void {
    this.#heardAt = now;
  }

  /** As soon as the socket is closed; one that was closed before is found out. */
  stop(): void {
    heartbeats.delete(this.#socket);
    if (heartbeats.size === 0) clearInterval(timer);
  }

  /** At each turn; every TURNS-th one is its own. */
  beat(): void {
    if ((now - this.#started) % TURNS !== 0) return;
    const socket = this.#socket;
    if (socket.readyState === CLOSED) this.stop();
    if (socket.readyState !== OPEN) return;
    // A paused socket cannot be heard; the slow side's own check finds out whether it lives.
    if (socket.isPaused) this.heard();
    if ((now - this.#heardAt) * TURN_MS > DEAD_AFTER_MS) socket.terminate();
    else socket.ping();
  }
}

function onPong(this: WebSocket): void {
  heartbeats.get(this)?.heard();
}

function turn(): void {
  now++;
  for (const heartbeat of heartbeats.values()) heartbeat.beat();
}
