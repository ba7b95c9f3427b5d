// Keeps the WebSockets of streams alive, and ends those that are silent: load balancers cut idle connections,
// and a peer that is gone must not hold the other one. One timer serves all WebSockets, so that an idle
// tunnel costs next to nothing, and pings are spread over time.

import type { WebSocket } from "ws";
import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../../protocol/limits.ts";
import { CLOSED, OPEN } from "../../protocol/web-socket/web-socket.ts";

/** The sockets are spread over this many ticks of each interval. */
const TICKS = 20;
const TICK_MS = PING_INTERVAL_MS / TICKS;

const heartbeats = new Map<WebSocket, Heartbeat>();
/**
 * Ticks so far. They stop while the machine sleeps, so that a sleep does not count as silence of the peer.
 */
let now = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * Pings a WebSocket every PING_INTERVAL_MS until it is stopped. Terminates it once it was silent for more
 * than DEAD_AFTER_MS. Pongs are heard by themselves; for everything else its owner calls `heard`.
 */
export class Heartbeat {
  readonly #socket: WebSocket;
  readonly #started = now;
  #heardAt = now;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("pong", onPong);
    if (heartbeats.size === 0) timer = setInterval(tick, TICK_MS);
    heartbeats.set(socket, this);
  }

  heard(): void {
    this.#heardAt = now;
  }

  /**
   * To be called when the socket closes. A socket that was closed before it got a heartbeat stops by itself.
   */
  stop(): void {
    heartbeats.delete(this.#socket);
    if (heartbeats.size === 0) clearInterval(timer);
  }

  /** Called at each tick; acts at every TICKS-th. */
  beat(): void {
    if ((now - this.#started) % TICKS !== 0) return;
    const socket = this.#socket;
    if (socket.readyState === CLOSED) this.stop();
    if (socket.readyState !== OPEN) return;
    // A paused socket cannot be heard. The heartbeat of the slow side, which causes the pause, checks that
    // one instead.
    if (socket.isPaused) this.heard();
    if ((now - this.#heardAt) * TICK_MS > DEAD_AFTER_MS) socket.terminate();
    else socket.ping();
  }
}

function onPong(this: WebSocket): void {
  heartbeats.get(this)?.heard();
}

function tick(): void {
  now++;
  for (const heartbeat of heartbeats.values()) heartbeat.beat();
}
