// Reads a client's WebSocket frames (RFC 6455 §5.2) as they arrive, without gathering messages: payload of binary
// messages leaves piece by piece, each in front of room for a header of its own; everything else, control frames above
// all, leaves as it came, for a full WebSocket implementation to deal with.

/** In the memory before a piece: the header it came behind is spent, and a server's is never longer than a client's. */
export interface Piece {
  /** The payload, in the memory that it arrived in. */
  readonly payload: Buffer;
  /** Bytes directly before `payload` in the same memory that nobody needs any more. */
  readonly room: number;
  /** The first of its message, and the last. */
  readonly first: boolean;
  readonly last: boolean;
}

export interface FrameSink {
  piece(piece: Piece): void;
  /** Bytes of frames that are not for the relay, header and all, in order. */
  other(bytes: Buffer): void;
}

const OPCODE = { continuation: 0, binary: 2 } as const;

/**
 * Takes binary messages whose mask is all zeros and whose frames are no longer than `maxPayload`: the others cost their
 * receiver more than a look (unmasking, an error), so they are left to it whole.
 */
export class FrameSplitter {
  readonly #maxPayload: number;
  /** The beginning of a header whose rest has not arrived. */
  #header: Buffer | undefined;
  /** Payload of the current frame that is still to come. */
  #left = 0;
  #relaying = false;
  #final = false;
  /** Whose message is under way: between its first frame and its last, control frames may come. */
  #message: "relay" | "other" | undefined;
  #begun = false;

  constructor(maxPayload: number) {
    this.#maxPayload = maxPayload;
  }

  push(chunk: Buffer, sink: FrameSink): void {
    let at = 0;
    let data = chunk;
    if (this.#header !== undefined) {
      data = Buffer.concat([this.#header, chunk]);
      this.#header = undefined;
    }
    while (at < data.length) {
      let headerLength = 0;
      if (this.#left === 0) {
        headerLength = this.#readHeader(data, at);
        if (headerLength === 0) {
          this.#header = data.subarray(at);
          return;
        }
      }
      const start = at + headerLength;
      const end = Math.min(data.length, start + this.#left);
      this.#left -= end - start;
      if (!this.#relaying) sink.other(data.subarray(at, end));
      else if (end > start || this.#left === 0) {
        const last = this.#final && this.#left === 0;
        sink.piece({ payload: data.subarray(start, end), room: headerLength, first: !this.#begun, last });
        this.#begun = !last;
        if (last) this.#message = undefined;
      }
      at = end;
    }
  }

  /** Length of the header at `at`, whose frame it makes the current one; 0 where it is not all there. */
  #readHeader(data: Buffer, at: number): number {
    const available = data.length - at;
    if (available < 2) return 0;
    const [flags = 0, size = 0] = [data[at], data[at + 1]];
    const masked = (size & 0x80) !== 0;
    const short = size & 0x7f;
    const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
    const length = 2 + extended + (masked ? 4 : 0);
    if (available < length) return 0;
    if (extended === 0) this.#left = short;
    else if (extended === 2) this.#left = data.readUInt16BE(at + 2);
    else this.#left = Number(data.readBigUInt64BE(at + 2));
    this.#final = (flags & 0x80) !== 0;
    this.#relaying = this.#isForRelay(flags, masked && data.readUInt32BE(at + length - 4) === 0);
    return length;
  }

  #isForRelay(flags: number, zeroMask: boolean): boolean {
    const opcode = flags & 0x0f;
    if (opcode >= 8) return false;
    const plain = (flags & 0x70) === 0 && zeroMask && this.#left <= this.#maxPayload;
    if (opcode === OPCODE.binary && this.#message === undefined && plain) this.#message = "relay";
    else if (this.#message !== "relay" || opcode !== OPCODE.continuation || !plain) {
      // What breaks the rules in the middle of a message ends the connection, by the receiver's own hand.
      this.#message = this.#final ? undefined : "other";
      return false;
    }
    return true;
  }
}
