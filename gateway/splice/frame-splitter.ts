// Reads a client's WebSocket frames (RFC 6455 §5.2) as they arrive, without gathering messages: payload of binary
// messages leaves piece by piece, unmasked, each in front of room for a header of its own; everything else, control frames
// above all, leaves as it came, for a full WebSocket implementation to deal with.

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
/** All zeros: unmasking would change nothing. */
const NO_MASK = Buffer.alloc(4);

/** Takes binary messages whose frames are masked and no longer than `maxPayload`: others end the connection, by their receiver's hand. */
export class FrameSplitter {
  readonly #maxPayload: number;
  /** The beginning of a header whose rest has not arrived. */
  #header: Buffer | undefined;
  /** Payload of the current frame that is still to come. */
  #left = 0;
  #relaying = false;
  /** Of the current frame. */
  #mask: Buffer = NO_MASK;
  /** Which byte of the mask is next. */
  #maskAt = 0;
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
        const payload = data.subarray(start, end);
        if (this.#mask !== NO_MASK) this.#unmask(payload);
        sink.piece({ payload, room: headerLength, first: !this.#begun, last });
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
    this.#relaying = this.#isForRelay(flags, masked);
    if (this.#relaying) {
      const isZero = data.readUInt32BE(at + length - 4) === 0;
      // A copy, since what is relayed is written over it.
      this.#mask = isZero ? NO_MASK : Buffer.from(data.subarray(at + length - 4, at + length));
      this.#maskAt = 0;
    }
    return length;
  }

  #unmask(payload: Buffer): void {
    const mask = this.#mask;
    for (let i = 0; i < payload.length; i++) {
      payload[i] = (payload[i] ?? 0) ^ (mask[(this.#maskAt + i) & 3] ?? 0);
    }
    // The frame may go on in another read.
    this.#maskAt = (this.#maskAt + payload.length) & 3;
  }

  #isForRelay(flags: number, masked: boolean): boolean {
    const opcode = flags & 0x0f;
    if (opcode >= 8) return false;
    const plain = (flags & 0x70) === 0 && masked && this.#left <= this.#maxPayload;
    if (opcode === OPCODE.binary && this.#message === undefined && plain) this.#message = "relay";
    else if (this.#message !== "relay" || opcode !== OPCODE.continuation || !plain) {
      // What breaks the rules in the middle of a message ends the connection, by the receiver's own hand.
      this.#message = this.#final ? undefined : "other";
      return false;
    }
    return true;
  }
}
