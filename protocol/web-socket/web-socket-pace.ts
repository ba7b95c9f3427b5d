// Handles what a WebSocket receives in its peer's turns (pace.ts), and answers pings with one pong at a time. `ws` by itself
// handles all frames of a read before anything else, and keeps a pong per ping until the peer reads it.

import type { Duplex, Writable } from "node:stream";
import { Pace, type Turns } from "../flow/pace.ts";
import { OPEN } from "./web-socket.ts";
import { partsOf } from "./web-socket-private.ts";

/** How many frames are handled at once. */
const FRAMES = 64;

/** The part of the `ws` package's class that this needs. */
export interface PaceableWebSocket {
  readonly readyState: number;
  readonly isPaused: boolean;
  pong(data: Buffer, mask: undefined, done: () => void): void;
  on(event: "ping", listener: (this: PaceableWebSocket, data: Buffer) => void): unknown;
}

/**
 * To be called before anything is read from the WebSocket.
 * @param webSocket created with `autoPong: false`
 */
export function paceWebSocket(webSocket: PaceableWebSocket, turns?: Turns): void {
  webSocket.on("ping", onPing);
  const parts = partsOf(webSocket);
  if (parts === undefined) return;
  const { receiver, socket } = parts;
  paces.set(receiver, new WebSocketPace(webSocket, receiver, socket, turns));
  receiver.write = write;
}

/** Receives bytes instead of a WebSocket's own receiver. */
export interface StandIn {
  /** Returns whether more bytes may come at once. */
  push(data: Buffer): boolean;
}

type Receive = (this: Writable, data: Buffer) => boolean;

/** Returns the receiver's own `write`, for bytes that are not for the stand-in; undefined: the receiver is not paced. */
export function standInFor(receiver: Writable, standIn: StandIn): Receive | undefined {
  const pace = paces.get(receiver);
  if (pace === undefined) return undefined;
  pace.standIn = standIn;
  return pace.receive;
}

/** By receiver. */
const paces = new WeakMap<Writable, WebSocketPace>();

function write(this: Writable, data: Buffer): boolean {
  return paces.get(this)?.write(data) ?? true;
}

class WebSocketPace extends Pace {
  /** The receiver's own `write`. */
  readonly receive: Receive;
  standIn: StandIn | undefined;
  readonly #webSocket: PaceableWebSocket;
  readonly #receiver: Writable;
  readonly #socket: Duplex;
  readonly #frames = new FrameCut(FRAMES);
  #isAccepting = true;

  constructor(webSocket: PaceableWebSocket, receiver: Writable, socket: Duplex, turns: Turns | undefined) {
    super(turns);
    this.receive = receiver.write;
    this.#webSocket = webSocket;
    this.#receiver = receiver;
    this.#socket = socket;
  }

  write(data: Buffer): boolean {
    this.#isAccepting = true;
    const taken = this.run(data);
    // What is left when the connection is cut is lost, like what the system still had.
    if (taken === data.length || this.#socket.destroyed) return this.#isAccepting;
    // It goes back to the socket, so that the end of the connection still comes after it.
    this.#socket.pause();
    this.#socket.unshift(data.subarray(taken));
    return false;
  }

  protected cut(data: Buffer, from: number): number {
    return this.#frames.cut(data, from);
  }

  protected take(piece: Buffer): void {
    const { standIn } = this;
    const hasRoom = standIn === undefined ? this.receive.call(this.#receiver, piece) : standIn.push(piece);
    this.#isAccepting = hasRoom && this.#isAccepting;
  }

  protected goOn(): void {
    if (!this.#webSocket.isPaused) this.#socket.resume();
  }
}

/** Cuts what is received into pieces of a given number of frames (RFC 6455 §5.2). */
export class FrameCut {
  readonly #frames: number;
  #stage: "flags" | "size" | "extended size" | "mask" | "payload" = "flags";
  /** How many bytes of this stage are still to come. */
  #left = 0;
  #size = 0;
  #isMasked = false;

  constructor(frames: number) {
    this.#frames = frames;
  }

  cut(data: Buffer, from: number): number {
    let frames = 0;
    let at = from;
    while (at < data.length) {
      switch (this.#stage) {
        case "flags":
          if (frames++ === this.#frames) return at;
          at++;
          this.#stage = "size";
          break;
        case "size": {
          const size = data[at++] ?? 0;
          this.#isMasked = size >= 0x80;
          this.#size = size & 0x7f;
          if (this.#size < 126) this.#sized();
          else {
            this.#left = this.#size === 126 ? 2 : 8;
            this.#size = 0;
            this.#stage = "extended size";
          }
          break;
        }
        case "extended size":
          this.#size = this.#size * 256 + (data[at++] ?? 0);
          if (--this.#left === 0) this.#sized();
          break;
        case "mask":
          at++;
          if (--this.#left === 0) this.#masked();
          break;
        case "payload": {
          const some = Math.min(this.#left, data.length - at);
          at += some;
          this.#left -= some;
          if (this.#left === 0) this.#stage = "flags";
          break;
        }
      }
    }
    return at;
  }

  #sized(): void {
    if (this.#isMasked) {
      this.#left = 4;
      this.#stage = "mask";
    } else this.#masked();
  }

  #masked(): void {
    this.#left = this.#size;
    this.#stage = this.#size === 0 ? "flags" : "payload";
  }
}

/** Pongs that have not left, and the latest ping behind each: answering it answers the ones before it too (RFC 6455 §5.5.3). */
const answering = new WeakMap<PaceableWebSocket, { latest: Buffer | undefined }>();

function onPing(this: PaceableWebSocket, data: Buffer): void {
  const answer = answering.get(this);
  if (answer === undefined) pong(this, data);
  // A view would keep everything in memory that was read with it.
  else answer.latest = Buffer.from(data);
}

function pong(webSocket: PaceableWebSocket, data: Buffer): void {
  if (webSocket.readyState !== OPEN) return;
  const answer: { latest: Buffer | undefined } = { latest: undefined };
  answering.set(webSocket, answer);
  webSocket.pong(data, undefined, () => {
    answering.delete(webSocket);
    if (answer.latest !== undefined) pong(webSocket, answer.latest);
  });
}
