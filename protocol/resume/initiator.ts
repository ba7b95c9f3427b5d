// The end of a resumable stream that dials: a companion, or a gateway on the leg to a host. When its WebSocket is gone it
// dials the next one and goes on where it was, until the grace is over or an answer says that this cannot help.

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { backoff } from "../backoff.ts";
import { CLOSE } from "../errors.ts";
import type { ByteSocket } from "../web-socket/web-socket.ts";
import { type Broken, ResumeConnection } from "./connection.ts";
import { decodeFrame, FRAME, type Frame, INSTANCE_BYTES, RESET, readReset } from "./frame.ts";
import { decodeWelcome, encodeHello, type Welcome } from "./handshake.ts";
import { GRACE_MS, HANDSHAKE_MS, STEADY_MS, WINDOW_UNTOLD } from "./limits.ts";
import type { ByteBudget } from "./outgoing.ts";

/** Why a stream is lost for good. */
export type LostCode =
  | "workspace_restarted"
  | "workspace_gone"
  | "grace_over"
  | "taken_over"
  | "refused"
  | "protocol_error";

export class StreamLostError extends Error {
  override readonly name = "StreamLostError";
  readonly code: LostCode;

  constructor(code: LostCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
  }
}

/** Between two waits that are cut short (ms). */
const HURRY_MS = 1_000;

export type StreamState = "connected" | "reconnecting" | "lost";

export interface InitiatorOptions {
  readonly window: number;
  readonly budget: ByteBudget;
  /** Makes the next WebSocket, which speaks the resume subprotocol; paused. */
  readonly dial: (signal: AbortSignal) => Promise<ByteSocket>;
  /** Whether a failed dial says that no other one can succeed. */
  readonly isFinal: (error: unknown) => boolean;
  /** `why`: what cut the connection, or what the last try failed with. */
  readonly onState: (state: StreamState, why: string) => void;
  /** Aborted: the stream ends at once. */
  readonly signal?: AbortSignal;
}

export interface Initiator {
  readonly stream: Duplex;
  readonly roundTripMs: number | undefined;
  /** The machine woke up, or its network is another one: asks whether the connection lives, and tries at once if it waits. */
  wake(): void;
  /**
   * The way may be open again: where the next try waits, it waits no more. Those who say so may be wrong, again and again: a
   * wait is cut short once in HURRY_MS.
   */
  hurry(): void;
  /** Ends the stream at once, without a word on why for the reader. */
  abort(): void;
}

/** Goes on from a WebSocket that has just been opened, paused, for a new stream. */
export function initiate(first: ByteSocket, options: InitiatorOptions): Initiator {
  return new Initiation(first, options);
}

class Initiation implements Initiator {
  readonly #options: InitiatorOptions;
  readonly #connection: ResumeConnection;
  /** Aborted when the stream is over. */
  readonly #stop = new AbortController();
  /** Cuts the wait between two tries short. */
  #hurry = new AbortController();
  #hurriedAt = Number.NEGATIVE_INFINITY;
  /** For somebody who has hurried too soon. */
  #later: NodeJS.Timeout | undefined;
  #welcome: Welcome | undefined;
  #epoch = 1;
  /** Until the host has said how long it waits. */
  #graceMs = GRACE_MS;
  #lost: StreamLostError | undefined;
  #redialling = false;
  /** Between two tries. */
  #isPausing = false;
  /** Tries in a row, for the back-off; a connection that was greeted and cut at once is one of them. */
  #failures = 0;
  /** When the last connection was greeted, and what had been received by then. */
  #greeted: { readonly at: number; readonly received: number } | undefined;

  constructor(first: ByteSocket, options: InitiatorOptions) {
    this.#options = options;
    this.#connection = new ResumeConnection({
      window: options.window,
      budget: options.budget,
      instance: randomBytes(INSTANCE_BYTES),
      onDetached: (code, reason) => this.#detached(code, reason),
      onOver: (end) => this.#over(end),
    });
    const aborted = (): void => this.abort();
    options.signal?.addEventListener("abort", aborted, { once: true });
    this.#stop.signal.addEventListener("abort", () => options.signal?.removeEventListener("abort", aborted));
    if (options.signal?.aborted === true) aborted();
    this.#greet(first).catch((error: unknown) => this.#greetingFailed(first, error));
  }

  get stream(): Duplex {
    return this.#connection.stream;
  }

  get roundTripMs(): number | undefined {
    return this.#connection.roundTripMs;
  }

  wake(): void {
    if (this.#connection.isAttached) this.#connection.probe();
    else this.hurry();
  }

  hurry(): void {
    if (!this.#isPausing || this.#later !== undefined) return;
    const early = this.#hurriedAt + HURRY_MS - performance.now();
    if (early > 0) {
      this.#later = setTimeout(() => {
        this.#later = undefined;
        this.hurry();
      }, early);
      return;
    }
    this.#hurriedAt = performance.now();
    this.#hurry.abort();
  }

  abort(): void {
    this.#connection.abort(RESET.gone);
  }

  /** Says hello and settles when the stream goes on. @throws what the answer is not */
  #greet(socket: ByteSocket): Promise<void> {
    const known = this.#welcome;
    const connection = this.#connection;
    const { frame, nonce } = encodeHello(
      connection.position,
      known === undefined ? undefined : { key: known.key, epoch: this.#epoch },
    );
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error("no answer to the greeting")), HANDSHAKE_MS);
      const answered = (message: unknown): void => {
        clearTimeout(deadline);
        try {
          this.#take(decodeFrame(message), nonce, socket);
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      socket.on("close", (code, reason) => {
        clearTimeout(deadline);
        reject(new Error(`closed with ${code} ${reason.toString()}`.trimEnd()));
      });
      socket.on("error", () => undefined);
      socket.send(frame, { binary: true });
      if (known === undefined) {
        // A new stream does not wait for the answer: nobody has received anything of it, so that both ends start at 0.
        connection.attach(socket, { received: 0, window: WINDOW_UNTOLD }, answered);
      } else {
        socket.once("message", (data, isBinary) => answered(isBinary ? data : undefined));
      }
      socket.resume();
    });
  }

  /** @throws FrameError, VersionError */
  #take(answer: Frame, nonce: Buffer, socket: ByteSocket): void {
    if (answer.type === FRAME.reset) {
      const { code, instance } = readReset(answer);
      this.#connection.refused(code, Buffer.from(instance));
      return;
    }
    const known = this.#welcome;
    const welcome = decodeWelcome(answer, nonce, known?.key);
    this.#welcome = welcome;
    this.#graceMs = welcome.graceMs;
    if (known === undefined) this.#connection.welcomed(welcome.window);
    else this.#connection.attach(socket, welcome);
    this.#greeted = { at: performance.now(), received: this.#connection.position.received };
    this.#options.onState("connected", "");
  }

  /**
   * How many tries in a row have failed, now that a connection is gone. What cuts each one just after its upgrade (a proxy, a
   * middlebox) must not be dialled without a pause; a connection that carried bytes was short of luck, and starts the
   * back-off anew; and one that lasted is followed by the next at once.
   */
  #failuresSoFar(): number {
    const greeted = this.#greeted;
    this.#greeted = undefined;
    if (greeted === undefined) return this.#failures + 1;
    if (performance.now() - greeted.at >= STEADY_MS) return 0;
    return this.#connection.position.received > greeted.received ? 1 : this.#failures + 1;
  }

  #greetingFailed(socket: ByteSocket, error: unknown): void {
    if (this.#connection.isOver) return;
    this.#connection.drop(socket);
    this.#detached(CLOSE.protocolError, error instanceof Error ? error.message : String(error));
  }

  #detached(code: number, reason: string): void {
    if (code === CLOSE.refused) {
      this.#lose("refused", `the gateway ended the connection: ${reason || "refused"}`);
    } else if (code === CLOSE.fenced) {
      this.#lose("taken_over", "another connection took this one over");
    } else {
      this.#options.onState("reconnecting", reason || `closed with ${code}`);
      this.#redial().catch((error: unknown) => this.#lose("protocol_error", String(error)));
    }
  }

  async #redial(): Promise<void> {
    if (this.#redialling) return;
    this.#redialling = true;
    const until = performance.now() + this.#graceMs;
    let last: unknown;
    this.#failures = this.#failuresSoFar();
    try {
      for (; !this.#connection.isOver; this.#failures++) {
        if (this.#failures > 0) await this.#pause(backoff(this.#failures, Math.random()));
        if (this.#connection.isOver) return;
        if (performance.now() > until) break;
        let socket: ByteSocket | undefined;
        try {
          socket = await this.#options.dial(this.#stop.signal);
          this.#epoch++;
          await this.#greet(socket);
          if (this.#connection.isAttached) return;
        } catch (error) {
          if (this.#connection.isOver) return;
          if (socket !== undefined) this.#connection.drop(socket);
          if (this.#options.isFinal(error)) {
            this.#lose("refused", error instanceof Error ? error.message : String(error), error);
            return;
          }
          last = error;
          this.#options.onState("reconnecting", error instanceof Error ? error.message : String(error));
        }
      }
    } finally {
      this.#redialling = false;
    }
    const seconds = Math.round(this.#graceMs / 1000);
    const why = last instanceof Error ? ` (${last.message})` : "";
    this.#lose("grace_over", `the connection could not be made again within ${seconds} s${why}`, last);
  }

  async #pause(ms: number): Promise<void> {
    this.#hurry = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, this.#hurry.signal]);
    this.#isPausing = true;
    // Cut short: that is what the signal is for.
    await delay(ms, undefined, { signal }).catch(() => undefined);
    this.#isPausing = false;
  }

  #lose(code: LostCode, message: string, cause?: unknown): void {
    this.#lost ??= new StreamLostError(code, message, { cause });
    this.#connection.abort(RESET.gone);
  }

  #over(end: Broken | undefined): Error | undefined {
    this.#stop.abort();
    clearTimeout(this.#later);
    if (end === undefined) return undefined;
    // The host has let go of a stream that had ended both ways, and only its last word on that was lost.
    if (end.code === RESET.unknown && this.#connection.hasEnded) return undefined;
    // Given up here, by whoever used it: nothing to tell them.
    if (this.#lost === undefined && end.instance === undefined && end.code === RESET.gone) return undefined;
    const error = this.#lost ?? lostBy(end, this.#welcome);
    this.#options.onState("lost", error.message);
    return error;
  }
}

/** What a RESET of the host means to a person. */
function lostBy({ code, instance }: Broken, welcome: Welcome | undefined): StreamLostError {
  switch (code) {
    case RESET.unknown:
      return instance !== undefined && welcome?.instance.equals(instance) === false
        ? new StreamLostError("workspace_restarted", "the workspace was restarted, and its sessions with it")
        : new StreamLostError("grace_over", "the workspace had given up waiting for this connection");
    case RESET.stopping:
      return new StreamLostError("workspace_gone", "the workspace's host was stopped");
    case RESET.gone:
      return new StreamLostError("workspace_gone", "the workspace's side of the connection ended");
    case RESET.refused:
      return new StreamLostError("refused", "the workspace refused to go on with this connection");
    case RESET.busy:
      return new StreamLostError("refused", "the workspace has as many connections open as it allows");
    case RESET.version:
    case RESET.protocol:
      return new StreamLostError(
        "protocol_error",
        "the workspace's host speaks the resume protocol otherwise",
      );
  }
}
