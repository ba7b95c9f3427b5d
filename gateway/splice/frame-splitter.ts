// Splits a client's WebSocket frames (RFC 6455 §5.2) as they arrive, without assembling messages. Payloads of
// binary messages leave piece by piece, unmasked, each with room for a header in front. Everything else, such
// as control frames, leaves unchanged, for a full WebSocket implementation.

/**
 * A piece of a message's payload. The header in front of it is not needed any more, and has room for a new
 * one: a server's header is never longer than a client's.
 */
export interface Piece {
  /** The payload, in the memory that it arrived in. */
  readonly payload: Buffer;
  /** How many bytes directly before `payload`, in the same memory, are free. */
  readonly room: number;
  /** The first piece of its message, and the last. */
  readonly first: boolean;
  readonly last: boolean;
}

export interface FrameSink {
  piece(piece: Piece): void;
  /** Frames that are not for the relay, with their headers, in order. */
  other(bytes: Buffer): void;
}

const OPCODE = { continuation: 0, binary: 2 } as const;
/** All zeros: unmasking would change nothing. */
const NO_MASK = Buffer.alloc(4);

/**
 * Relays binary messages whose frames are masked and no longer than `maxPayload`. Frames that break these
 * rules go to `other`, where the WebSocket's own receiver ends the connection.
 */
export class FrameSplitter {
  readonly #maxPayload: number;
  /** The beginning of a header that has not arrived completely. */
  #header: Buffer | undefined;
  /** Payload of the current frame that is still to come. */
  #left = 0;
  #relaying = false;
  /** The current frame's. */
  #mask: Buffer = NO_MASK;
  /** Index of the next byte of the mask. */
  #maskAt = 0;
  #final = false;
  /** Who handles the current message. Control frames may come between its first and its last frame. */
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

  /**
   * Makes the frame at `at` the current one and returns the length of its header; 0 where that is incomplete.
   */
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
      // A copy, since the relay writes its own header over it.
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
    // The frame may continue in the next read.
    this.#maskAt = (this.#maskAt + payload.length) & 3;
  }

  #isForRelay(flags: number, masked: boolean): boolean {
    const opcode = flags & 0x0f;
    if (opcode >= 8) return false;
    const plain = (flags & 0x70) === 0 && masked && this.#left <= this.#maxPayload;
    if (opcode === OPCODE.binary && this.#message === undefined && plain) this.#message = "relay";
    else if (this.#message !== "relay" || opcode !== OPCODE.continuation || !plain) {
      // In the middle of a relayed message this breaks the protocol: the receiver ends the connection.
      this.#message = this.#final ? undefined : "other";
      return false;
    }
    return true;
  }
}
