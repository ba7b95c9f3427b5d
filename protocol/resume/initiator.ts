// The end of a resumable stream that dials: a companion, or a gateway towards a host. When its WebSocket is lost, it dials the
// next one and continues where it was, until the grace is over or an answer says that trying again cannot help.

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { CLOSE } from "../errors.ts";
import { backoff } from "../flow/backoff.ts";
import type { ByteSocket } from "../web-socket/web-socket.ts";
import { type Broken, ResumeConnection } from "./driver/connection.ts";
import { decodeFrame, FRAME, type Frame, INSTANCE_BYTES, RESET, readReset } from "./frame.ts";
import { decodeWelcome, encodeHello, type Welcome } from "./handshake.ts";
import { GRACE_MS, HANDSHAKE_MS, STEADY_MS, WINDOW_UNTOLD } from "./limits.ts";
import type { ByteBudget } from "./outgoing.ts";
import { RedialWait } from "./redial-wait.ts";
import { type LostCode, lostBy, StreamLostError } from "./stream-lost.ts";

export type StreamState = "connected" | "reconnecting" | "lost";

export interface InitiatorOptions {
  readonly window: number;
  readonly budget: ByteBudget;
  /** Dials the next WebSocket, which has to speak the resume subprotocol and be paused. */
  readonly dial: (signal: AbortSignal) => Promise<ByteSocket>;
  /** Whether a dial failed in a way that makes further dials pointless. */
  readonly isFinal: (error: unknown) => boolean;
  /** @param why what cut the connection, or what the last try failed with */
  readonly onState: (state: StreamState, why: string) => void;
  /** Aborted: the stream ends at once. */
  readonly signal?: AbortSignal;
}

export interface Initiator {
  readonly stream: Duplex;
  readonly roundTripMs: number | undefined;
  /** The machine woke up, or its network has changed: checks whether the connection is alive, or tries at once if it waits. */
  wake(): void;
  /** The workspace may be reachable again: a wait for the next try is cut short, but at most once per second. */
  hurry(): void;
  /** Ends the stream at once. Its reader sees the end without an error. */
  abort(): void;
}

/** Starts a new stream on a WebSocket that was just opened, and is paused. */
export function initiate(first: ByteSocket, options: InitiatorOptions): Initiator {
  return new Initiation(first, options);
}

class Initiation implements Initiator {
  readonly #options: InitiatorOptions;
  readonly #connection: ResumeConnection;
  /** Aborted when the stream is over. */
  readonly #stop = new AbortController();
  readonly #wait = new RedialWait(this.#stop.signal);
  #welcome: Welcome | undefined;
  #epoch = 1;
  /** How long the host keeps the stream; a default until it has answered. */
  #graceMs = GRACE_MS;
  #lost: StreamLostError | undefined;
  #redialling = false;
  /** Failed tries in a row, for the back-off. A connection that was greeted and cut at once counts as one. */
  #failures = 0;
  /** When the last connection was greeted, and how much had been received by then. */
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
    this.#wait.hurry();
  }

  abort(): void {
    this.#connection.abort(RESET.gone);
  }

  /** Sends HELLO; resolves once the stream continues. @throws Error if there is no answer, or a wrong one */
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
        // A new stream does not wait for the answer: nothing was received yet, so both ends start at 0.
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
   * How many tries in a row have failed, now that a connection is lost. If something (a proxy, a middlebox) cuts every
   * connection just after its upgrade, it must not be dialled without a pause. A connection that carried bytes was merely
   * unlucky, and restarts the back-off. After one that lasted, the next is dialled at once.
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
      this.#lose("taken_over", "another connection took over from this one");
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
        if (this.#failures > 0) await this.#wait.for(backoff(this.#failures, Math.random()));
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

  #lose(code: LostCode, message: string, cause?: unknown): void {
    this.#lost ??= new StreamLostError(code, message, { cause });
    this.#connection.abort(RESET.gone);
  }

  #over(end: Broken | undefined): Error | undefined {
    this.#stop.abort();
    if (end === undefined) return undefined;
    // Both directions had ended, and the host has dropped the stream; only its last ack was lost.
    if (end.code === RESET.unknown && this.#connection.hasEnded) return undefined;
    // The stream's user gave it up, and needs no reason.
    if (this.#lost === undefined && end.instance === undefined && end.code === RESET.gone) return undefined;
    const error = this.#lost ?? lostBy(end, this.#welcome);
    this.#options.onState("lost", error.message);
    return error;
  }
}
