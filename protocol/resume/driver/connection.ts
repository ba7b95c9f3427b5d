// Drives one end of a resumable stream: above it a Duplex that SSH is spoken on, below it one WebSocket after another. The
// Duplex's reader and writer do not notice when a WebSocket is lost.

import { Duplex } from "node:stream";
import { assertNever } from "../../assert-never.ts";
import { CLOSE } from "../../errors.ts";
import { Inbound } from "../../flow/inbound.ts";
import type { ByteSocket } from "../../web-socket/web-socket.ts";
import { type Effect, ResumeEnd } from "../end.ts";
import { encodeReset, isAnswer, RESET, type ResetCode } from "../frame.ts";
import type { Position } from "../handshake.ts";
import { WRITE_BYTES } from "../limits.ts";
import type { ByteBudget } from "../outgoing.ts";
import { Attachment } from "./attachment.ts";
import { EndClock, now } from "./end-clock.ts";
import { PendingWrites } from "./pending-writes.ts";
import { nextPhase, type Phase, type PhaseEvent } from "./phase.ts";

export interface ConnectionOptions {
  /** How many bytes are accepted from the peer before the reader has taken them. */
  readonly window: number;
  readonly budget: ByteBudget;
  /** Identifies this process to the peer (INSTANCE_BYTES random bytes). */
  readonly instance: Buffer;
  /** The attached WebSocket was lost, with this close code, and was not replaced by another. */
  readonly onDetached: (code: number, reason: string) => void;
  /**
   * The stream is over. Called once. `end` is undefined if both ends had finished. Otherwise it says why the stream broke,
   * and the stream is destroyed with the error that is returned, or without one.
   */
  readonly onOver: (end: Broken | undefined) => Error | undefined;
}

export interface Broken {
  readonly code: ResetCode;
  /** The peer's process, if the peer broke the stream; undefined: this end did. */
  readonly instance: Buffer | undefined;
}

/** How long a destroyed stream waits for the peer to acknowledge what was written. */
const LINGER_MS = 10_000;
/** Once the process's byte budget is spent, a stream with more than this waiting for its reader stops reading its WebSocket. */
const QUEUE_MIN = 64 * 1024;

export class ResumeConnection {
  readonly stream: Duplex;
  readonly #options: ConnectionOptions;
  readonly #end: ResumeEnd;
  readonly #clock: EndClock;
  #phase: Phase = "open";
  #attachment: Attachment | undefined;
  #lingering: NodeJS.Timeout | undefined;
  readonly #inbound: Inbound;
  readonly #pending: PendingWrites;

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
    this.#clock = new EndClock(end, () => this.#run(end.tick(now())));
    this.stream = new Duplex({
      allowHalfOpen: true,
      readableHighWaterMark: 4 * WRITE_BYTES,
      writableHighWaterMark: 4 * WRITE_BYTES,
      read: () => this.#inbound.pump(),
      write: (chunk: Buffer, _encoding, done) => this.#write([{ chunk }], done),
      writev: (chunks, done) => this.#write(chunks, done),
      final: (done) => {
        this.#pending.writeRest();
        this.#enter("finish");
        if (this.#phase !== "greeting-finished") this.#run(this.#end.finish(now()));
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
    return this.#attachment !== undefined;
  }

  get isOver(): boolean {
    return this.#phase === "over";
  }

  /** Both ends have said that they write nothing more. */
  get hasEnded(): boolean {
    return this.#end.isFinished && this.#end.hasPeerFinished;
  }

  /**
   * Continues on this WebSocket; the previous one is closed with `fenced`.
   * @param peer how far the peer has come, from the handshake
   * @param greeting gets the first message, if that is still the answer to this end's greeting
   */
  attach(socket: ByteSocket, peer: Position, greeting?: (message: unknown) => void): void {
    this.release();
    if (this.isOver) {
      socket.close(CLOSE.normal);
      return;
    }
    const attachment = new Attachment(socket);
    this.#attachment = attachment;
    if (greeting !== undefined) this.#enter("greet");
    let first = greeting;
    socket.on("message", (data, isBinary) => {
      const message = isBinary ? data : undefined;
      const take = first;
      first = undefined;
      if (take !== undefined) take(message);
      else if (this.#attachment === attachment) this.#run(this.#end.receive(message, now()));
    });
    socket.on("close", (code, reason) => {
      if (this.#attachment !== attachment) return;
      this.#attachment = undefined;
      this.#end.detach();
      if (!this.isOver) this.#options.onDetached(code, reason.toString());
    });
    // "close" follows.
    socket.on("error", () => undefined);
    this.#run(this.#end.attach(peer, now()));
  }

  /** The peer of a new stream has answered the greeting. `window`: how many bytes it takes. */
  welcomed(window: number): void {
    const hasFinished = this.#phase === "greeting-finished";
    this.#enter("welcome");
    this.#run(this.#end.welcomed(window, now()));
    if (hasFinished) this.#run(this.#end.finish(now()));
  }

  /** Checks now whether the connection is alive, and drops it if no answer comes within PROBE_MS. */
  probe(): void {
    this.#run(this.#end.probe(now()));
  }

  /** Ends the stream at both ends. */
  abort(code: ResetCode): void {
    if (this.isOver) return;
    this.#tell(code);
    this.#finish({ code, instance: undefined });
  }

  /** Closes the attached WebSocket with `fenced`: another one is about to replace it. */
  release(): void {
    this.#release(CLOSE.fenced, "another connection took over");
  }

  /** Cuts a WebSocket that is of no use, attached or not. */
  drop(socket: ByteSocket): void {
    if (this.#attachment?.socket === socket) this.#release(CLOSE.timeout, "");
    else socket.terminate();
  }

  /** The peer has refused to continue the stream, on a WebSocket that is not attached. */
  refused(code: ResetCode, instance: Buffer): void {
    this.#finish({ code, instance });
  }

  #enter(event: PhaseEvent): void {
    this.#phase = nextPhase(this.#phase, event);
  }

  #run(effects: readonly Effect[]): void {
    let frames: Buffer[] = [];
    for (const effect of effects) {
      if (effect.kind === "send") {
        if (isAnswer(effect.frame)) this.#attachment?.answer(effect.frame);
        else frames.push(effect.frame);
        continue;
      }
      if (frames.length > 0) {
        this.#attachment?.send(frames);
        frames = [];
      }
      switch (effect.kind) {
        case "deliver":
          this.#deliver(effect.bytes);
          break;
        case "end":
          this.#inbound.end();
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
        default:
          assertNever(effect);
      }
    }
    if (frames.length > 0) this.#attachment?.send(frames);
    this.#clock.scheduleAck();
  }

  #deliver(bytes: Buffer): void {
    if (this.#phase === "lingering" || this.isOver) {
      this.#run(this.#end.consumed(bytes.length, now()));
      return;
    }
    this.#options.budget.add(bytes.length);
    this.#inbound.push(bytes);
    if (this.#inbound.waiting > QUEUE_MIN && this.#options.budget.isSpent) this.#attachment?.pause();
  }

  /** The reader has taken `bytes` more. */
  #taken(bytes: number): void {
    this.#options.budget.add(-bytes);
    this.#run(this.#end.consumed(bytes, now()));
    if (this.#inbound.waiting <= QUEUE_MIN) this.#attachment?.resume();
  }

  #write(chunks: readonly { readonly chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    if (this.isOver) {
      done(new Error("the stream is over"));
      return;
    }
    this.#pending.write(chunks, done);
  }

  /** The stream was destroyed, because of an error or because its user needs nothing more. */
  #abandoned(error: Error | null): void {
    if (this.isOver) return;
    if (error !== null) {
      this.abort(RESET.gone);
      return;
    }
    // As with close(2), what was written still goes out and then the end; what comes is thrown away.
    this.#enter("abandon");
    this.#dropQueue();
    this.#pending.writeRest();
    this.#run(this.#end.finish(now()));
    if (this.isOver) return;
    this.#lingering = setTimeout(() => this.abort(RESET.gone), LINGER_MS);
  }

  #dropQueue(): void {
    const bytes = this.#inbound.clear();
    this.#options.budget.add(-bytes);
    if (bytes > 0) this.#run(this.#end.consumed(bytes, now()));
    this.#attachment?.resume();
  }

  #dead(why: string): void {
    this.#release(CLOSE.timeout, why);
    this.#options.onDetached(CLOSE.timeout, why);
  }

  #release(code: number, reason: string): void {
    const attachment = this.#attachment;
    if (attachment === undefined) return;
    this.#attachment = undefined;
    this.#end.detach();
    attachment.end(code, reason);
  }

  #tell(code: ResetCode): void {
    this.#attachment?.send([encodeReset(code, this.#options.instance)]);
  }

  #finish(end: Broken | undefined): void {
    if (this.isOver) return;
    this.#enter("end");
    this.#clock.stop();
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
