// The end of resumable streams that is dialled: a workspace's host. It keeps each stream without a connection for GRACE_MS, and
// lets a new connection continue it after a proof that the peer is the same.

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { CLOSE } from "../errors.ts";
import type { ByteSocket } from "../web-socket/web-socket.ts";
import { ResumeConnection } from "./driver/connection.ts";
import { decodeFrame, encodeReset, FrameError, INSTANCE_BYTES, RESET, type ResetCode } from "./frame.ts";
import {
  decodeHello,
  encodeWelcome,
  type Hello,
  newStreamKey,
  proves,
  type StreamKey,
  VersionError,
} from "./handshake.ts";
import { GRACE_MS, HANDSHAKE_MS, WINDOW_MAX } from "./limits.ts";
import type { ByteBudget } from "./outgoing.ts";

export interface ResponderOptions {
  readonly budget: ByteBudget;
  /** Events for a log, without secrets. */
  readonly onEvent?: (event: string) => void;
}

/** Including those without a connection. */
const MAX_STREAMS = 1024;

interface Resumable {
  readonly key: StreamKey;
  /** Who opened it. A proof from anyone else is refused. */
  readonly owner: string;
  readonly connection: ResumeConnection;
  epoch: number;
  grace: NodeJS.Timeout | undefined;
}

export class Responder {
  readonly #options: ResponderOptions;
  readonly #instance = randomBytes(INSTANCE_BYTES);
  /** By stream id, hex. */
  readonly #streams = new Map<string, Resumable>();
  readonly #greeting = new Set<ByteSocket>();

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#streams.size;
  }

  /**
   * Takes a paused WebSocket that speaks the resume subprotocol.
   * @param owner the account that the gateway vouches for: only the same one may continue a stream
   * @param onStream gets the stream if it is a new one
   */
  accept(socket: ByteSocket, owner: string, onStream: (stream: Duplex) => void): void {
    this.#greeting.add(socket);
    const deadline = setTimeout(() => {
      this.#greeting.delete(socket);
      socket.close(CLOSE.timeout, "no greeting");
    }, HANDSHAKE_MS);
    const settle = (): void => {
      clearTimeout(deadline);
      this.#greeting.delete(socket);
    };
    socket.on("close", settle);
    socket.on("error", () => undefined);
    socket.once("message", (data, isBinary) => {
      if (!this.#greeting.has(socket)) return;
      settle();
      try {
        this.#greet(socket, decodeHello(decodeFrame(isBinary ? data : undefined)), owner, onStream);
      } catch (error) {
        if (error instanceof VersionError) this.#refuse(socket, RESET.version, error.message);
        else if (error instanceof FrameError) this.#refuse(socket, RESET.protocol, error.message);
        else throw error;
      }
    });
    socket.resume();
  }

  /** Ends the streams that have no connection now. */
  dropDetached(): void {
    for (const { connection } of [...this.#streams.values()]) {
      if (!connection.isAttached) connection.abort(RESET.stopping);
    }
  }

  /** Ends all streams, and tells their peers that this process is stopping. */
  close(): void {
    for (const { connection } of [...this.#streams.values()]) connection.abort(RESET.stopping);
    for (const socket of this.#greeting) socket.close(CLOSE.goingAway);
  }

  #greet(socket: ByteSocket, hello: Hello, owner: string, onStream: (stream: Duplex) => void): void {
    if (hello.resumed === undefined) {
      this.#open(socket, hello, owner, onStream);
      return;
    }
    const { sid, epoch } = hello.resumed;
    const known = this.#streams.get(sid.toString("hex"));
    if (known === undefined) {
      this.#refuse(socket, RESET.unknown, "no such stream");
    } else if (known.owner !== owner || !proves(hello, known.key)) {
      this.#refuse(socket, RESET.refused, "the stream belongs to a different client");
    } else if (epoch <= known.epoch) {
      this.#refuse(socket, RESET.refused, "the greeting was used before");
    } else {
      this.#resume(socket, hello, epoch, known);
    }
  }

  #open(socket: ByteSocket, hello: Hello, owner: string, onStream: (stream: Duplex) => void): void {
    if (this.#streams.size >= MAX_STREAMS) {
      this.#refuse(socket, RESET.busy, "too many streams");
      return;
    }
    const key = newStreamKey();
    const id = key.sid.toString("hex");
    const connection = new ResumeConnection({
      window: WINDOW_MAX,
      budget: this.#options.budget,
      instance: this.#instance,
      onDetached: (code, reason) => this.#detached(stream, code, reason),
      onOver: () => {
        clearTimeout(stream.grace);
        // A peer that missed the last ack comes back for it, and is told that the stream is unknown.
        this.#streams.delete(id);
        return undefined;
      },
    });
    const stream: Resumable = { key, owner, connection, epoch: 1, grace: undefined };
    this.#streams.set(id, stream);
    this.#welcome(socket, hello, stream);
    connection.attach(socket, hello);
    onStream(connection.stream);
  }

  #resume(socket: ByteSocket, hello: Hello, epoch: number, stream: Resumable): void {
    clearTimeout(stream.grace);
    stream.grace = undefined;
    stream.epoch = epoch;
    // In this order: the previous connection is closed, the new one gets its answer, and then what it has missed.
    stream.connection.release();
    this.#welcome(socket, hello, stream);
    stream.connection.attach(socket, hello);
    this.#options.onEvent?.(`a connection was resumed (${epoch})`);
  }

  #welcome(socket: ByteSocket, hello: Hello, { key, epoch, connection }: Resumable): void {
    const { received, window } = connection.position;
    const welcome = { key, epoch, received, window, graceMs: GRACE_MS, instance: this.#instance };
    socket.send(encodeWelcome(welcome, hello), { binary: true });
  }

  #detached(stream: Resumable, code: number, reason: string): void {
    // The gateway has revoked the permission to use it, so there is nobody to wait for.
    if (code === CLOSE.refused) {
      stream.connection.abort(RESET.gone);
      return;
    }
    this.#options.onEvent?.(
      `a connection was cut (${reason || code}); its stream is kept for ${GRACE_MS / 1000} s`,
    );
    clearTimeout(stream.grace);
    stream.grace = setTimeout(() => {
      this.#options.onEvent?.("a connection was not resumed in time");
      stream.connection.abort(RESET.gone);
    }, GRACE_MS);
  }

  #refuse(socket: ByteSocket, code: ResetCode, why: string): void {
    this.#options.onEvent?.(`a connection was refused: ${why}`);
    socket.send(encodeReset(code, this.#instance), { binary: true });
    socket.close(CLOSE.normal);
  }
}
