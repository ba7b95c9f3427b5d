// Drives one end of a resumable stream: a Duplex for whoever speaks SSH on it, and under it one WebSocket after the other.
// Losing a WebSocket is no event for the reader and the writer.

import { Duplex } from "node:stream";
import { CLOSE } from "../errors.ts";
import { Inbound } from "../inbound.ts";
import { type ByteSocket, OPEN } from "../web-socket/web-socket.ts";
import { Answers } from "./answers.ts";
import { type Effect, ResumeEnd } from "./end.ts";
import { encodeReset, isAnswer, RESET, type ResetCode } from "./frame.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { Position } from "./handshake.ts";
import { TICK_MS, WINDOW_MAX, WRITE_BYTES } from "./limits.ts";
import type { ByteBudget } from "./outgoing.ts";
import { PendingWrites } from "./pending-writes.ts";

export interface ConnectionOptions {
  /** Bytes taken from the peer before the reader has them. */
  readonly window: number;
  readonly budget: ByteBudget;
  /** This process, for the peer. */
  readonly instance: Buffer;
  /** The WebSocket that was attached is gone, with its close code, and no other has taken its place. */
  readonly onDetached: (code: number, reason: string) => void;
  /**
   * Once: nothing is held any more. undefined: both ends had finished; otherwise who gave up on it, and why, and what is
   * returned is what the reader gets to know; undefined: just the end.
   */
  readonly onOver: (end: Broken | undefined) => Error | undefined;
}

export interface Broken {
  readonly code: ResetCode;
  /** The peer's process, where it was the peer that said so. */
  readonly instance: Buffer | undefined;
}

/** For the peer to answer, once whoever wrote here is gone without waiting for it. */
const LINGER_MS = 10_000;
/** What a socket that does not send may hold: more than everything that is unacknowledged. */
const MAX_UNSENT = 2 * WINDOW_MAX;
/** With the process's memory for this spent, a stream whose reader is slow makes its peer wait past this. */
const QUEUE_MIN = 64 * 1024;

export class ResumeConnection {
  readonly stream: Duplex;
  readonly #options: ConnectionOptions;
  readonly #end: ResumeEnd;
  readonly #ticks: NodeJS.Timeout;
  #socket: ByteSocket | undefined;
  #writer: FrameWriter | undefined;
  #answers: Answers | undefined;
  #ackTimer: NodeJS.Timeout | undefined;
  #lingering: NodeJS.Timeout | undefined;
  readonly #inbound: Inbound;
  /** The end has come, and the reader has not been told yet. */
  #peerEnded = false;
  /** The peer of a new stream has not answered yet. */
  #greeting = false;
  /** Nothing more is written: said once it has, so that what a server says first is not overtaken by the end. */
  #endsOnceGreeted = false;
  /** Whoever reads is gone: what comes is thrown away. */
  #discarding = false;
  readonly #pending: PendingWrites;
  #over = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#end = new ResumeEnd(options);
    const end = this.#end;
    this.#pending = new PendingWrites({
      get hasRoom() {
        return end.hasRoom;
      },
      send: (chunks) => this.#run(end.write(chunks, now())),
    });
    this.#ticks = setInterval(() => this.#run(this.#end.tick(now())), TICK_MS);
    this.stream = new Duplex({
      allowHalfOpen: true,
      readableHighWaterMark: 4 * WRITE_BYTES,
      writableHighWaterMark: 4 * WRITE_BYTES,
      read: () => this.#inbound.pump(),
      write: (chunk: Buffer, _encoding, done) => this.#write([{ chunk }], done),
      writev: (chunks, done) => this.#write(chunks, done),
      final: (done) => {
        this.#pending.writeRest();
        if (this.#greeting) this.#endsOnceGreeted = true;
        else this.#run(this.#end.finish(now()));
        done();
      },
      destroy: (error, done) => {
        this.#abandoned(error);
        done(error);
      },
    });
    this.#inbound = new Inbound(this.stream, (bytes) => this.#taken(bytes));
  }

  get position(): Position {
    return this.#end.position;
  }

  get roundTripMs(): number | undefined {
    return this.#end.roundTripMs;
  }

  get isAttached(): boolean {
    return this.#socket !== undefined;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Both ends have said that nothing more comes. */
  get hasEnded(): boolean {
    return this.#end.isFinished && this.#end.hasPeerFinished;
  }

  /**
   * Goes on with this WebSocket, whose peer stands at `peer`. The one before is closed with `fenced`.
   * @param greeting gets the first message, where that is still an answer to a greeting
   */
  attach(socket: ByteSocket, peer: Position, greeting?: (message: unknown) => void): void {
    this.release();
    if (this.#over) {
      socket.close(CLOSE.normal);
      return;
    }
    this.#socket = socket;
    this.#writer = new FrameWriter(socket);
    this.#answers = new Answers(this.#writer);
    this.#greeting = greeting !== undefined;
    let first = greeting;
    socket.on("message", (data, isBinary) => {
      const message = isBinary ? data : undefined;
      const take = first;
      first = undefined;
      if (take !== undefined) take(message);
      else if (this.#socket === socket) this.#run(this.#end.receive(message, now()));
    });
    socket.on("close", (code, reason) => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#end.detach();
      if (!this.#over) this.#options.onDetached(code, reason.toString());
    });
    // "close" follows.
    socket.on("error", () => undefined);
    this.#run(this.#end.attach(peer, now()));
  }

  /** The peer of a new stream, to which `attach` has written already, has said what it has room for. */
  welcomed(window: number): void {
    this.#greeting = false;
    this.#run(this.#end.welcomed(window, now()));
    if (this.#endsOnceGreeted) this.#run(this.#end.finish(now()));
  }

  /** Asks now whether the connection lives, and lets go of it if no answer comes soon. */
  probe(): void {
    this.#run(this.#end.probe(now()));
  }

  /** Ends the stream at both ends. */
  abort(code: ResetCode): void {
    if (this.#over) return;
    this.#tell(code);
    this.#finish({ code, instance: undefined });
  }

  /** Closes the WebSocket that is attached with `fenced`: another one is about to take its place. */
  release(): void {
    this.#release(CLOSE.fenced, "another connection took over");
  }

  /** Lets go of a WebSocket that does not do, attached or not. */
  drop(socket: ByteSocket): void {
    if (this.#socket === socket) this.#release(CLOSE.timeout, "");
    else socket.terminate();
  }

  /** What the peer has said on a connection that is not attached: it does not go on. */
  refused(code: ResetCode, instance: Buffer): void {
    this.#finish({ code, instance });
  }

  #run(effects: readonly Effect[]): void {
    let frames: Buffer[] = [];
    for (const effect of effects) {
      if (effect.kind === "send") {
        if (isAnswer(effect.frame)) this.#answer(effect.frame);
        else frames.push(effect.frame);
        continue;
      }
      if (frames.length > 0) {
        this.#send(frames);
        frames = [];
      }
      switch (effect.kind) {
        case "deliver":
          this.#deliver(effect.bytes);
          break;
        case "end":
          this.#peerEnded = true;
          this.#endReader();
          break;
        case "writable":
          this.#pending.hasRoom();
          break;
        case "complete":
          this.#finish(undefined);
          break;
        case "dead":
          this.#dead(effect.why);
          break;
        case "broken":
          if (effect.instance === undefined) this.#tell(effect.code);
          this.#finish(effect);
          break;
      }
    }
    if (frames.length > 0) this.#send(frames);
    this.#scheduleAck();
  }

  #send(frames: readonly Buffer[]): void {
    const socket = this.#socket;
    if (socket === undefined || socket.readyState !== OPEN) return;
    // All of it is bounded one by one; this is for what nobody has thought of.
    if (socket.bufferedAmount > MAX_UNSENT) socket.terminate();
    else this.#writer?.write(frames);
  }

  #answer(frame: Buffer): void {
    if (this.#socket !== undefined) this.#answers?.send(frame);
  }

  #scheduleAck(): void {
    const by = this.#end.ackBy;
    if (by === undefined || this.#ackTimer !== undefined || this.#over) return;
    const wait = Math.max(0, by - now());
    this.#ackTimer = setTimeout(() => {
      this.#ackTimer = undefined;
      const due = this.#end.ackBy;
      // Data went out meanwhile and took the ack along; if another is owed by now, its time comes.
      if (due !== undefined && due <= now()) this.#run(this.#end.tick(now()));
      else this.#scheduleAck();
    }, wait);
  }

  #deliver(bytes: Buffer): void {
    if (this.#discarding) {
      this.#run(this.#end.consumed(bytes.length, now()));
      return;
    }
    this.#options.budget.add(bytes.length);
    this.#inbound.push(bytes);
    if (this.#inbound.waiting > QUEUE_MIN && this.#options.budget.isSpent) this.#socket?.pause();
  }

  /** The reader has so many bytes more. */
  #taken(bytes: number): void {
    this.#options.budget.add(-bytes);
    this.#run(this.#end.consumed(bytes, now()));
    if (this.#socket?.isPaused === true && this.#inbound.waiting <= QUEUE_MIN) this.#socket.resume();
    this.#endReader();
  }

  #endReader(): void {
    if (!this.#peerEnded || this.#inbound.waiting > 0) return;
    this.#peerEnded = false;
    this.stream.push(null);
  }

  #write(chunks: readonly { readonly chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    if (this.#over) {
      done(new Error("the stream is over"));
      return;
    }
    this.#pending.write(chunks, done);
  }

  /** The stream was destroyed: by a failure, or by somebody who has seen enough. */
  #abandoned(error: Error | null): void {
    if (this.#over) return;
    if (error !== null) {
      this.abort(RESET.gone);
      return;
    }
    // As close(2) does: what was written still goes out, and then the end; what comes meanwhile is thrown away.
    this.#discarding = true;
    this.#dropQueue();
    this.#pending.writeRest();
    this.#run(this.#end.finish(now()));
    if (this.#over) return;
    this.#lingering = setTimeout(() => this.abort(RESET.gone), LINGER_MS);
  }

  #dropQueue(): void {
    const bytes = this.#inbound.clear();
    this.#options.budget.add(-bytes);
    if (bytes > 0) this.#run(this.#end.consumed(bytes, now()));
    if (this.#socket?.isPaused === true) this.#socket.resume();
  }

  #dead(why: string): void {
    this.#release(CLOSE.timeout, why);
    this.#options.onDetached(CLOSE.timeout, why);
  }

  /** Lets go of the WebSocket; one that is dead does not answer a close frame. */
  #release(code: number, reason: string): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    this.#end.detach();
    if (socket.isPaused) socket.resume();
    if (code === CLOSE.timeout) socket.terminate();
    else socket.close(code, reason);
  }

  #tell(code: ResetCode): void {
    this.#send([encodeReset(code, this.#options.instance)]);
  }

  #finish(end: Broken | undefined): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#ticks);
    clearTimeout(this.#ackTimer);
    clearTimeout(this.#lingering);
    this.#end.close();
    this.#release(CLOSE.normal, "");
    const error = this.#options.onOver(end);
    this.#pending.clear();
    if (end === undefined) return;
    this.#dropQueue();
    this.stream.destroy(error);
  }
}

/** Milliseconds of a clock that does not go back. */
function now(): number {
  return performance.now();
}
