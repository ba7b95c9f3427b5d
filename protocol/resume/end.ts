// One end of a resumable stream, as a state machine: events in, effects out. It does no I/O and has no clock; its driver passes
// the time, in milliseconds of a monotonic clock. What it holds outlives any connection: a connection is attached to it, lost,
// and replaced by the next.

import { DEAD_AFTER_MS } from "../limits.ts";
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
import { Incoming } from "./incoming.ts";
import { JUMP_MS } from "./limits.ts";
import { type Death, Liveness, Patience } from "./liveness.ts";
import { type ByteBudget, Outgoing } from "./outgoing.ts";

export type Effect =
  /** To be sent on the attached connection. */
  | { readonly kind: "send"; readonly frame: Buffer }
  /** For the reader. Call `consumed` once it has taken the bytes. */
  | { readonly kind: "deliver"; readonly bytes: Buffer }
  /** The peer has finished: the reader gets nothing more. */
  | { readonly kind: "end" }
  /** There is room to write. */
  | { readonly kind: "writable" }
  /** Both directions have ended, and both ends know. */
  | { readonly kind: "complete" }
  /** The connection is dead: drop it, and make another. */
  | { readonly kind: "dead"; readonly why: Death }
  /** The stream is over before both ends had finished. `instance` is the peer's, if the peer ended it. */
  | { readonly kind: "broken"; readonly code: ResetCode; readonly instance: Buffer | undefined };

export interface EndOptions {
  /** How many bytes this end accepts before it has handed them on. */
  readonly window: number;
  readonly budget: ByteBudget;
}

export class ResumeEnd {
  readonly #in: Incoming;
  readonly #out: Outgoing;
  readonly #patience = new Patience();
  /** The liveness of the attached connection; undefined: none is attached. */
  #liveness: Liveness | undefined;
  /** `complete`: both directions have ended, and both ends know. `over`: nothing is held any more. */
  #state: "open" | "complete" | "over" = "open";
  #tickedAt: number | undefined;
  #pingRoundTrip: number | undefined;

  constructor(options: EndOptions) {
    this.#in = new Incoming(options.window);
    this.#out = new Outgoing(options.budget);
  }

  /** For a handshake. */
  get position(): Position {
    return this.#in.position;
  }

  get hasRoom(): boolean {
    return this.#out.hasRoom && this.#state !== "over";
  }

  /** `finish` was called: nothing more is written. */
  get isFinished(): boolean {
    return this.#out.isFinished;
  }

  get hasPeerFinished(): boolean {
    return this.#in.isFinished;
  }

  /** Milliseconds; undefined: not measured yet. */
  get roundTripMs(): number | undefined {
    return this.#out.roundTripMs ?? this.#pingRoundTrip;
  }

  /** How many bytes are kept because they are not acknowledged. */
  get unacknowledged(): number {
    return this.#out.unacknowledged;
  }

  /** When `tick` is needed before its usual time, because an ack is due; undefined: it is not. */
  get ackBy(): number | undefined {
    return this.#liveness === undefined ? undefined : this.#in.ackBy;
  }

  /** A connection is made. @param peer how far the peer has come, from the handshake */
  attach(peer: Position, now: number): Effect[] {
    if (this.#state === "over") return [];
    if (!this.#out.rewind(peer.received)) return this.#break(RESET.protocol);
    this.#out.setPeerWindow(peer.window);
    this.#liveness = new Liveness(now);
    const effects: Effect[] = [];
    this.#flush(now, effects);
    // What was handed on without a connection makes room at the peer.
    if (this.#in.consumed > 0) this.#ack(effects);
    this.#becomeWritable(effects);
    this.#checkComplete(effects);
    return effects;
  }

  /** The peer of a new stream has answered. Until then it was written to with an assumed window. */
  welcomed(window: number, now: number): Effect[] {
    this.#out.setPeerWindow(window);
    const effects: Effect[] = [];
    this.#liveness?.heard(now);
    this.#becomeWritable(effects);
    return effects;
  }

  detach(): void {
    this.#liveness = undefined;
  }

  /** Takes all of the chunks. Look at `hasRoom` before the next call. */
  write(chunks: readonly Uint8Array[], now: number): Effect[] {
    const effects: Effect[] = [];
    if (this.#state === "over" || this.#out.isFinished) return effects;
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (this.#out.end + length >= MAX_OFFSET) return this.#break(RESET.protocol);
    this.#out.write(chunks, this.#in.consumed);
    this.#flush(now, effects);
    return effects;
  }

  /** Nothing more will be written. */
  finish(now: number): Effect[] {
    const effects: Effect[] = [];
    if (this.#state === "over") return effects;
    this.#out.finish(this.#in.consumed);
    this.#flush(now, effects);
    return effects;
  }

  /** The reader has taken `bytes` more. */
  consumed(bytes: number, now: number): Effect[] {
    const effects: Effect[] = [];
    this.#handOn(bytes, now, effects);
    return effects;
  }

  receive(message: unknown, now: number): Effect[] {
    const effects: Effect[] = [];
    if (this.#state === "over" || this.#liveness === undefined) return effects;
    try {
      const frame = decodeFrame(message);
      this.#liveness.heard(now);
      this.#take(frame, now, effects);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      effects.push(...this.#break(RESET.protocol));
    }
    return effects;
  }

  /** To be called every TICK_MS, and at `ackBy`. */
  tick(now: number): Effect[] {
    const effects: Effect[] = [];
    const jumped = this.#tickedAt !== undefined && now - this.#tickedAt > JUMP_MS;
    this.#tickedAt = now;
    const liveness = this.#liveness;
    if (liveness === undefined || this.#state === "over") return effects;
    if (jumped) this.#probe(liveness, now, effects);
    if (this.#in.ackBy !== undefined && now >= this.#in.ackBy) this.#ack(effects);
    const why = jumped ? undefined : liveness.death(now, this.#patience.ms(this.#out.roundTripMs));
    if (why !== undefined) {
      if (why === "stalled") this.#patience.grow();
      this.#liveness = undefined;
      effects.push({ kind: "dead", why });
    } else if (liveness.isPingDue(now)) {
      liveness.pinged(now);
      this.#ping(now, effects);
    }
    return effects;
  }

  /** The machine has slept, or its network has changed: the connection is dead unless it answers within PROBE_MS. */
  probe(now: number): Effect[] {
    const effects: Effect[] = [];
    if (this.#liveness !== undefined) this.#probe(this.#liveness, now, effects);
    return effects;
  }

  /** Drops everything. Telling the peer is up to the caller. */
  close(): void {
    this.#state = "over";
    this.#liveness = undefined;
    this.#out.discard();
  }

  #take(frame: Frame, now: number, effects: Effect[]): void {
    switch (frame.type) {
      case FRAME.data: {
        const bytes = this.#in.takeData(frame, now);
        if (bytes !== undefined) effects.push({ kind: "deliver", bytes });
        break;
      }
      case FRAME.fin:
        if (!this.#in.takeFin(frame, now)) break;
        effects.push({ kind: "end" });
        this.#handOn(0, now, effects);
        break;
      case FRAME.ack:
        break;
      case FRAME.ping:
        effects.push({ kind: "send", frame: encodeFrame(FRAME.pong, this.#in.consumed, 0, frame.payload) });
        this.#in.acknowledged();
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
    if (this.#state !== "over") this.#takeAck(frame.ack, now, effects);
  }

  #takeAck(ack: number, now: number, effects: Effect[]): void {
    const before = this.#out.acked;
    if (!this.#out.acknowledge(ack, now)) throw new FrameError("an ack of what was not sent");
    if (this.#out.acked === before) return;
    this.#patience.reset();
    this.#liveness?.acknowledged(this.#out.unacknowledged > 0, now);
    this.#becomeWritable(effects);
    this.#checkComplete(effects);
  }

  #takePong(payload: Buffer, now: number): void {
    if (payload.length !== 8) throw new FrameError("a pong to no ping");
    const took = now - payload.readDoubleBE();
    // A payload that this end did not send says nothing about the round trip.
    if (took >= 0 && took <= DEAD_AFTER_MS) this.#pingRoundTrip = took;
  }

  /** The reader has taken `bytes` more, or the end came: the peer is told at once, or soon. */
  #handOn(bytes: number, now: number, effects: Effect[]): void {
    if (this.#in.handOn(bytes, now)) this.#ack(effects);
    this.#checkComplete(effects);
  }

  #ack(effects: Effect[]): void {
    if (this.#liveness === undefined) {
      this.#in.ackBy = undefined;
      return;
    }
    effects.push({ kind: "send", frame: encodeFrame(FRAME.ack, this.#in.consumed, 0) });
    this.#in.acknowledged();
  }

  #flush(now: number, effects: Effect[]): void {
    const liveness = this.#liveness;
    if (liveness === undefined) return;
    for (;;) {
      const frame = this.#out.take(this.#in.consumed, now);
      if (frame === undefined) return;
      liveness.sent(now);
      this.#in.acknowledged();
      effects.push({ kind: "send", frame });
    }
  }

  #becomeWritable(effects: Effect[]): void {
    if (this.#out.hasRoom) effects.push({ kind: "writable" });
  }

  #checkComplete(effects: Effect[]): void {
    if (this.#state !== "open" || !this.#out.isDone || !this.#in.isDone) return;
    this.#state = "complete";
    effects.push({ kind: "complete" });
  }

  #probe(liveness: Liveness, now: number, effects: Effect[]): void {
    liveness.probed(now);
    this.#ping(now, effects);
  }

  #ping(now: number, effects: Effect[]): void {
    const payload = Buffer.alloc(8);
    payload.writeDoubleBE(now);
    effects.push({ kind: "send", frame: encodeFrame(FRAME.ping, this.#in.consumed, 0, payload) });
    this.#in.acknowledged();
  }

  #break(code: ResetCode, instance?: Buffer): Effect[] {
    if (this.#state === "over") return [];
    this.close();
    return [{ kind: "broken", code, instance }];
  }
}
