// The codec of SFTP packets: splits a byte stream into packets, reads a packet field by field, and writes an answer field
// by field. Pure, and without regard to what packets mean.

import { PACKET } from "./wire.ts";

/** The client's bytes are not SFTP. The session ends, since the start of the next packet is unknown. */
export class MalformedPacketError extends Error {
  override readonly name = "MalformedPacketError";
}

const empty = Buffer.alloc(0);

/**
 * Splits a stream into packets (`uint32 length`, then that many bytes). Holds at most the chunks pushed and one
 * unfinished packet; a packet that lies within one chunk is not copied.
 */
export class PacketSplitter {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #buffered = 0;
  /** The packet that is being put together from several chunks. */
  #body: Buffer | undefined;
  #filled = 0;

  readonly #allocate: (length: number) => Buffer;

  /** `allocate` gives the buffers for packets that come in several chunks. */
  constructor(limit: number, allocate: (length: number) => Buffer = Buffer.allocUnsafe) {
    this.#limit = limit;
    this.#allocate = allocate;
  }

  /** Bytes of packets that are incomplete or have not been taken yet. */
  get buffered(): number {
    return this.#buffered + this.#filled;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /**
   * The next whole packet without its length field, or undefined until more is pushed.
   * @throws MalformedPacketError for an empty packet or one over the limit
   */
  next(): Buffer | undefined {
    if (this.#body === undefined) {
      if (this.#buffered < 4) return undefined;
      const length = this.#take(4).readUInt32BE(0);
      if (length === 0) throw new MalformedPacketError("an empty packet");
      if (length > this.#limit) {
        throw new MalformedPacketError(`a packet of ${length} bytes, over the limit of ${this.#limit}`);
      }
      const first = this.#chunks[0];
      if (first !== undefined && first.length >= length) return this.#take(length);
      this.#body = this.#allocate(length);
      this.#filled = 0;
    }
    this.#fill(this.#body);
    if (this.#filled < this.#body.length) return undefined;
    const packet = this.#body;
    this.#body = undefined;
    this.#filled = 0;
    return packet;
  }

  #fill(body: Buffer): void {
    let first = this.#chunks[0];
    while (first !== undefined && this.#filled < body.length) {
      const length = Math.min(first.length, body.length - this.#filled);
      first.copy(body, this.#filled, 0, length);
      this.#filled += length;
      this.#drop(first, length);
      first = this.#chunks[0];
    }
  }

  /** Takes exactly `length` bytes; that many must be buffered. */
  #take(length: number): Buffer {
    const first = this.#chunks[0] ?? empty;
    if (first.length >= length) {
      this.#drop(first, length);
      return first.subarray(0, length);
    }
    const joined = Buffer.concat(this.#chunks);
    this.#chunks.length = 0;
    this.#chunks.push(joined);
    this.#drop(joined, length);
    return joined.subarray(0, length);
  }

  #drop(first: Buffer, length: number): void {
    this.#buffered -= length;
    if (length === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(length);
  }
}

/** Reads the fields of one packet in order. Bytes after the last field are ignored, as sftp-server does. */
export class PacketReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#advance(8));
  }

  /** A view of the packet, not a copy. */
  string(): Buffer {
    const length = this.u32();
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A string that will reach the system as a C string: it cannot hold NUL. */
  path(): Buffer {
    const bytes = this.string();
    if (bytes.includes(0)) throw new MalformedPacketError("a NUL byte in a path");
    return bytes;
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) {
      throw new MalformedPacketError(`a packet of type ${this.#bytes[0]} that is cut off`);
    }
    this.#offset = start + length;
    return start;
  }
}

/** Builds one packet; `finish` returns it with its length field in front, ready for the channel. */
export class PacketWriter {
  #bytes = Buffer.allocUnsafe(256);
  #length = 4;

  constructor(type: number) {
    this.u8(type);
  }

  /** Bytes so far, with the length field. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#bytes.writeUInt8(value, this.#reserve(1));
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#bytes.writeUInt32BE(value >>> 0, at);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#reserve(8);
    this.#bytes.writeBigUInt64BE(BigInt.asUintN(64, value), at);
    return this;
  }

  string(value: Buffer | string): this {
    const bytes = typeof value === "string" ? Buffer.from(value) : value;
    this.u32(bytes.length);
    return this.raw(bytes);
  }

  raw(bytes: Buffer): this {
    const at = this.#reserve(bytes.length);
    bytes.copy(this.#bytes, at);
    return this;
  }

  finish(): Buffer {
    this.#bytes.writeUInt32BE(this.#length - 4, 0);
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(length: number): number {
    const start = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, start);
      this.#bytes = larger;
    }
    return start;
  }
}

/** Where the bytes of a DATA answer begin: length, type, id and the data's own length come first. */
export const DATA_OFFSET = 13;

/** Makes a DATA answer of a buffer that has `length` bytes at DATA_OFFSET, in place. */
export function finishData(buffer: Buffer, id: number, length: number): Buffer {
  buffer.writeUInt32BE(DATA_OFFSET - 4 + length, 0);
  buffer.writeUInt8(PACKET.data, 4);
  buffer.writeUInt32BE(id, 5);
  buffer.writeUInt32BE(length, 9);
  return buffer.subarray(0, DATA_OFFSET + length);
}
