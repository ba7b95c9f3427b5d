// One end of a resumable stream, as a state machine: events in, effects out. It does no I/O and has no clock: whoever drives
// it passes the time, in milliseconds of a clock that does not go back. What it holds outlives any connection; a connection
// is attached to it and lost again.

import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../limits.ts";
import {
  decodeFrame,
  encodeFrame,
  FRAME,
  type Frame,
  FrameError,
  RESET,
  type ResetCode,
  readReset,
} from "./frame.ts";
import { MAX_OFFSET, type Position } from "./handshake.ts";
import {
  ACK_BYTES,
  ACK_MS,
  ACKS_IN_WINDOW,
  JUMP_MS,
  PROBE_MS,
  STALLED_MAX_MS,
  STALLED_MS,
} from "./limits.ts";
import { type ByteBudget, Outgoing } from "./outgoing.ts";

export type Effect =
  /** To the connection that is attached. */
  | { readonly kind: "send"; readonly frame: Buffer }
  /** To whoever reads; to be answered by `consumed` once they have it. */
  | { readonly kind: "deliver"; readonly bytes: Buffer }
  /** Nothing more comes. */
  | { readonly kind: "end" }
  /** There is room to write, again or still. */
  | { readonly kind: "writable" }
  /** Both directions have ended, and both ends know. */
  | { readonly kind: "complete" }
  /** The connection is of no use any more: let go of it, and make another. */
  | { readonly kind: "dead"; readonly why: "silent" | "stalled" | "asleep" }
  /** The stream is over. */
  | { readonly kind: "broken"; readonly code: ResetCode; readonly instance: Buffer | undefined };

export interface EndOptions {
  /** Bytes that this end takes before it has handed them on. */
  readonly window: number;
  readonly budget: ByteBudget;
}

/** While a connection is attached. */
interface Attached {
  heard: number;
  pinged: number;
  /** Since when bytes wait for their ack; undefined: none do. */
  owedSince: number | undefined;
  /** An answer has to come by then. */
  probeUntil: number | undefined;
}

export class ResumeEnd {
  readonly #window: number;
  readonly #ackBytes: number;
  readonly #out: Outgoing;
  #attached: Attached | undefined;
  #received = 0;
  #consumed = 0;
  /** The last ack that went out. */
  #acked = 0;
  /** When the ack that is owed has to go out. */
  #ackBy: number | undefined;
  #peerFinished = false;
  #over = false;
  #completed = false;
  #tickedAt: number | undefined;
  #stalledMs = STALLED_MS;
  #pingRoundTrip: number | undefined;

  constructor(options: EndOptions) {
    this.#window = options.window;
    this.#ackBytes = Math.min(ACK_BYTES, Math.floor(options.window / ACKS_IN_WINDOW));
    this.#out = new Outgoing(options.budget);
  }

  /** For a handshake. */
  get position(): Position {
    return { received: this.#received, window: this.#window };
  }

  get hasRoom(): boolean {
    return this.#out.hasRoom && !this.#over;
  }

  /** Nothing more is written here. */
  get isFinished(): boolean {
    return this.#out.isFinished;
  }

  get hasPeerFinished(): boolean {
    return this.#peerFinished;
  }

  /** Milliseconds; undefined: not measured yet. */
  get roundTripMs(): number | undefined {
    return this.#out.roundTripMs ?? this.#pingRoundTrip;
  }

  /** Bytes that are kept until they are acknowledged. */
  get unacknowledged(): number {
    return this.#out.unacknowledged;
  }

  /** When `tick` has something to do before its usual time. */
  get ackBy(): number | undefined {
    return this.#attached === undefined ? undefined : this.#ackBy;
  }

  /** A connection on which the handshake says that the peer stands at `peer`. */
  attach(peer: Position, now: number): Effect[] {
    if (this.#over) return [];
    if (!this.#out.rewind(peer.received)) return this.#break(RESET.protocol);
    this.#out.setPeerWindow(peer.window);
    this.#attached = { heard: now, pinged: now, owedSince: undefined, probeUntil: undefined };
    const effects: Effect[] = [];
    this.#flush(now, effects);
    // Sent at once, also on a resumed stream: what was handed on meanwhile makes room at the peer.
    if (this.#consumed > 0) this.#ack(effects);
    this.#becomeWritable(effects);
    this.#checkComplete(effects);
    return effects;
  }

  /** The peer of a new stream, which was written to before it had answered, has said what it has room for. */
  welcomed(window: number, now: number): Effect[] {
    this.#out.setPeerWindow(window);
    const effects: Effect[] = [];
    this.#hear(now);
    this.#becomeWritable(effects);
    return effects;
  }

  detach(): void {
    this.#attached = undefined;
  }

  /** All of the chunks are taken; look at `hasRoom` before the next. */
  write(chunks: readonly Uint8Array[], now: number): Effect[] {
    const effects: Effect[] = [];
    if (this.#over || this.#out.isFinished) return effects;
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (this.#out.end + length >= MAX_OFFSET) return this.#break(RESET.protocol);
    this.#out.write(chunks, this.#consumed);
    this.#flush(now, effects);
    return effects;
  }

  /** Nothing more will be written. */
  finish(now: number): Effect[] {
    const effects: Effect[] = [];
    if (this.#over) return effects;
    this.#out.finish(this.#consumed);
    this.#flush(now, effects);
    return effects;
  }

  /** Whoever reads has `bytes` more. */
  consumed(bytes: number, now: number): Effect[] {
    const effects: Effect[] = [];
    this.#consumed += bytes;
    this.#handOn(now, effects);
    return effects;
  }

  receive(message: unknown, now: number): Effect[] {
    const effects: Effect[] = [];
    if (this.#over || this.#attached === undefined) return effects;
    try {
      const frame = decodeFrame(message);
      this.#hear(now);
      this.#take(frame, now, effects);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      effects.push(...this.#break(RESET.protocol));
    }
    return effects;
  }

  /** To be called each TICK_MS, and at `ackBy`. */
  tick(now: number): Effect[] {
    const effects: Effect[] = [];
    const jumped = this.#tickedAt !== undefined && now - this.#tickedAt > JUMP_MS;
    this.#tickedAt = now;
    const attached = this.#attached;
    if (attached === undefined || this.#over) return effects;
    if (jumped) this.#probe(attached, now, effects);
    if (this.#ackBy !== undefined && now >= this.#ackBy) this.#ack(effects);
    const why = jumped ? undefined : this.#death(attached, now);
    if (why !== undefined) {
      if (why === "stalled") this.#stalledMs = Math.min(STALLED_MAX_MS, this.#stalledMs * 2);
      this.#attached = undefined;
      effects.push({ kind: "dead", why });
      return effects;
    }
    const quiet = now - Math.max(attached.pinged, attached.owedSince ?? 0);
    if (
      now - attached.pinged >= PING_INTERVAL_MS ||
      (attached.owedSince !== undefined && quiet >= STALLED_MS / 2)
    ) {
      this.#ping(attached, now, effects);
    }
    return effects;
  }

  /** The machine has slept, or its network is another one: whether the connection lives is asked, for PROBE_MS. */
  probe(now: number): Effect[] {
    const effects: Effect[] = [];
    if (this.#attached !== undefined) this.#probe(this.#attached, now, effects);
    return effects;
  }

  /** Lets go of everything that is held. What the peer is to be told is up to the caller. */
  close(): void {
    this.#over = true;
    this.#attached = undefined;
    this.#out.discard();
  }

  #take(frame: Frame, now: number, effects: Effect[]): void {
    switch (frame.type) {
      case FRAME.data:
        this.#takeData(frame, effects, now);
        break;
      case FRAME.fin:
        this.#takeFin(frame, effects, now);
        break;
      case FRAME.ack:
        break;
      case FRAME.ping:
        effects.push({ kind: "send", frame: encodeFrame(FRAME.pong, this.#consumed, 0, frame.payload) });
        this.#acknowledged();
        break;
      case FRAME.pong:
        this.#takePong(frame.payload, now);
        break;
      case FRAME.reset: {
        const { code, instance } = readReset(frame);
        effects.push(...this.#break(code, Buffer.from(instance)));
        return;
      }
      default:
        throw new FrameError("a handshake in the middle of a stream");
    }
    if (!this.#over) this.#takeAck(frame.ack, now, effects);
  }

  #takeAck(ack: number, now: number, effects: Effect[]): void {
    const before = this.#out.acked;
    if (!this.#out.acknowledge(ack, now)) throw new FrameError("an ack of what was not sent");
    if (this.#out.acked === before) return;
    this.#stalledMs = STALLED_MS;
    if (this.#attached !== undefined) {
      this.#attached.owedSince = this.#out.unacknowledged > 0 ? now : undefined;
    }
    this.#becomeWritable(effects);
    this.#checkComplete(effects);
  }

  #takePong(payload: Buffer, now: number): void {
    if (payload.length !== 8) throw new FrameError("a pong to no ping");
    const took = now - payload.readDoubleBE();
    // A peer that answers with something else says nothing about the way.
    if (took >= 0 && took <= DEAD_AFTER_MS) this.#pingRoundTrip = took;
  }

  #takeData({ offset, payload }: Frame, effects: Effect[], now: number): void {
    if (offset > this.#received) throw new FrameError("a gap");
    if (offset + payload.length <= this.#received) {
      // Sent again, since the ack was lost with its connection.
      this.#ackBy = now;
      return;
    }
    if (this.#peerFinished) throw new FrameError("data behind the end");
    const fresh = payload.subarray(this.#received - offset);
    this.#received += fresh.length;
    if (this.#received - this.#consumed > this.#window + ACK_BYTES)
      throw new FrameError("more than the window");
    effects.push({ kind: "deliver", bytes: fresh });
  }

  #takeFin({ offset }: Frame, effects: Effect[], now: number): void {
    if (this.#peerFinished && offset === this.#received - 1) {
      this.#ackBy = now;
      return;
    }
    if (this.#peerFinished || offset !== this.#received) throw new FrameError("an end where none can be");
    this.#peerFinished = true;
    this.#received = offset + 1;
    effects.push({ kind: "end" });
    this.#handOn(now, effects);
  }

  /** Something was handed on, or the end came: the peer is told at once, or soon. */
  #handOn(now: number, effects: Effect[]): void {
    const ended = this.#peerFinished && this.#consumed === this.#received - 1;
    if (ended) this.#consumed = this.#received;
    if (this.#consumed === this.#acked) return;
    if (ended || this.#consumed - this.#acked >= this.#ackBytes) this.#ack(effects);
    else this.#ackBy ??= now + ACK_MS;
    this.#checkComplete(effects);
  }

  #ack(effects: Effect[]): void {
    if (this.#attached === undefined) {
      this.#ackBy = undefined;
      return;
    }
    effects.push({ kind: "send", frame: encodeFrame(FRAME.ack, this.#consumed, 0) });
    this.#acknowledged();
  }

  /** A frame with the latest ack is on its way. */
  #acknowledged(): void {
    this.#acked = this.#consumed;
    this.#ackBy = undefined;
  }

  #flush(now: number, effects: Effect[]): void {
    const attached = this.#attached;
    if (attached === undefined) return;
    for (;;) {
      const frame = this.#out.take(this.#consumed, now);
      if (frame === undefined) return;
      attached.owedSince ??= now;
      this.#acknowledged();
      effects.push({ kind: "send", frame });
    }
  }

  #becomeWritable(effects: Effect[]): void {
    if (this.#out.hasRoom) effects.push({ kind: "writable" });
  }

  #checkComplete(effects: Effect[]): void {
    if (this.#completed || this.#over || !this.#out.isDone) return;
    if (!this.#peerFinished || this.#consumed !== this.#received) return;
    this.#completed = true;
    effects.push({ kind: "complete" });
  }

  #hear(now: number): void {
    if (this.#attached === undefined) return;
    this.#attached.heard = now;
    this.#attached.probeUntil = undefined;
  }

  #probe(attached: Attached, now: number, effects: Effect[]): void {
    attached.probeUntil = now + PROBE_MS;
    // What was owed before a sleep is owed from now on.
    attached.heard = now;
    if (attached.owedSince !== undefined) attached.owedSince = now;
    this.#ping(attached, now, effects);
  }

  #ping(attached: Attached, now: number, effects: Effect[]): void {
    attached.pinged = now;
    const payload = Buffer.alloc(8);
    payload.writeDoubleBE(now);
    effects.push({ kind: "send", frame: encodeFrame(FRAME.ping, this.#consumed, 0, payload) });
    this.#acknowledged();
  }

  #death(attached: Attached, now: number): "silent" | "stalled" | "asleep" | undefined {
    if (attached.probeUntil !== undefined && now >= attached.probeUntil) return "asleep";
    const silence = now - attached.heard;
    if (silence >= DEAD_AFTER_MS) return "silent";
    const { owedSince } = attached;
    // On a slow line one frame alone may take long: several times what an ack took before is no sign of death.
    const patience = Math.max(this.#stalledMs, 3 * (this.#out.roundTripMs ?? 0));
    return owedSince !== undefined && silence >= patience && now - owedSince >= patience
      ? "stalled"
      : undefined;
  }

  #break(code: ResetCode, instance?: Buffer): Effect[] {
    if (this.#over) return [];
    this.close();
    return [{ kind: "broken", code, instance }];
  }
}
