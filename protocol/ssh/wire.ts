// Reads and writes SSH's data types (RFC 4251 §5).

import { bytesOf, textOf } from "../values/byte-text.ts";

/** A message is malformed. The connection ends. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** A text in a message is too long. The request is refused, but the connection continues. */
export class TooLong extends WireError {
  constructor(length: number, limit: number) {
    super(`A text of ${length} bytes, where ${limit} are allowed.`);
  }
}

export class WireReader {
  readonly #bytes: Buffer;
  #offset: number;

  constructor(bytes: Buffer, offset = 0) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  get done(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  boolean(): boolean {
    return this.byte() !== 0;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE(0);
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE(0);
  }

  /** How many bytes have been read. */
  get offset(): number {
    return this.#offset;
  }

  /** An SSH string. Shares the message's memory. */
  string(): Buffer {
    return this.#take(this.uint32());
  }

  /**
   * An SSH string as text. `encode` and `bytesOf` turn it back into the same bytes, even if they are not UTF-8.
   * @throws TooLong if it is longer than `limit` bytes; WireError if it contains a NUL, which no path, name or command may
   */
  text(limit = 4096): string {
    const bytes = this.string();
    if (bytes.length > limit) throw new TooLong(bytes.length, limit);
    if (bytes.includes(0)) throw new WireError("A text with a NUL in it.");
    return textOf(bytes);
  }

  /** All that is left. Shares the message's memory. */
  rest(): Buffer {
    return this.#take(this.#bytes.length - this.#offset);
  }

  #take(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new WireError("The message is cut off.");
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }
}

export type WireValue = number | bigint | boolean | string | Uint8Array;

/** Encodes values: numbers as uint32, bigints as uint64, booleans as a byte, texts and buffers as SSH strings. */
export function encode(...values: readonly WireValue[]): Buffer {
  return Buffer.concat(values.flatMap(encodeOne));
}

/** The same after a message number. */
export function message(type: number, ...values: readonly WireValue[]): Buffer {
  return Buffer.concat([Buffer.from([type]), ...values.flatMap(encodeOne)]);
}

function encodeOne(value: WireValue): Uint8Array[] {
  if (typeof value === "bigint") {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64BE(value);
    return [bytes];
  }
  if (typeof value === "boolean") return [Buffer.from([value ? 1 : 0])];
  if (typeof value === "number") return [uint32(value)];
  const bytes = typeof value === "string" ? bytesOf(value) : value;
  return [uint32(bytes.length), bytes];
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
