// Has ssh2 parse what is received in its peer's turns (pace.ts): a read may contain two thousand of the smallest packets, each
// of which costs its sender next to nothing.

import type { Duplex } from "node:stream";
import { Pace } from "../../flow/pace.ts";
import { isAlive, type PrivateProtocol } from "./private.ts";

/** How much is parsed at once: a hundred of the smallest packets, or a part of a large one. */
const PIECE_BYTES = 4 * 1024;

/** @param mayRead whether the stream should flow at all; asked when it is the peer's turn again */
export function paceParsing(protocol: PrivateProtocol, stream: Duplex, mayRead: () => boolean): void {
  const pace = new PacketPace(protocol, stream, mayRead);
  protocol.parse = (data, from, to) => pace.parse(data.subarray(from, to));
}

class PacketPace extends Pace {
  readonly #protocol: PrivateProtocol;
  /** ssh2's own. */
  readonly #parse: PrivateProtocol["parse"];
  readonly #stream: Duplex;
  readonly #mayRead: () => boolean;

  constructor(protocol: PrivateProtocol, stream: Duplex, mayRead: () => boolean) {
    super();
    this.#protocol = protocol;
    this.#parse = protocol.parse;
    this.#stream = stream;
    this.#mayRead = mayRead;
  }

  parse(data: Buffer): void {
    const taken = this.run(data);
    if (taken === data.length || this.#stream.destroyed) return;
    // It goes back to the stream, so that the stream's end still comes after it.
    this.#stream.pause();
    this.#stream.unshift(data.subarray(taken));
  }

  protected cut(data: Buffer, from: number): number {
    return Math.min(data.length, from + PIECE_BYTES);
  }

  protected take(piece: Buffer): void {
    // The connection may have ended in the middle of what was read.
    if (isAlive(this.#protocol)) this.#parse.call(this.#protocol, piece, 0, piece.length);
  }

  protected goOn(): void {
    if (this.#mayRead()) this.#stream.resume();
  }
}
