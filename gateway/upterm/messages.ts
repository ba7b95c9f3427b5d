// The messages with which an upterm host registers: Protocol Buffers (the wire format of version 3) inside an
// SSH global request and its answer. Written by hand, because two flat messages need only two of the format's
// six types.

import { LENGTH_DELIMITED, textField } from "../../protocol/protobuf.ts";

/** The bytes are not a message, or exceed its bounds. */
export class MessageError extends Error {
  override readonly name = "MessageError";
}

export interface CreateSessionRequest {
  readonly hostUser: string;
  /** authorized_keys lines. */
  readonly hostPublicKeys: readonly string[];
  /** authorized_keys lines; none: anyone with a key may join. */
  readonly clientAuthorizedKeys: readonly string[];
  /**
   * Since upterm 0.34: what keeps the session's id the same after a redial. `null`: there is no proof,
   * without which the other two fields mean nothing.
   */
  readonly identity: SessionIdentity | null;
}

export interface SessionIdentity {
  readonly secret: Buffer;
  /** Orders the registrations of one id. */
  readonly generation: bigint;
  /** The host key's signature. */
  readonly proof: Buffer;
}

interface CreateSessionResponse {
  readonly sessionId: string;
  readonly nodeAddress: string;
  readonly sshUser: string;
  /** A redial may sign in with the session's host key alone. */
  readonly sessionKeyRedial: boolean;
}

/** Larger than 1,000 keys of the usual kinds need. */
export const MAX_REQUEST_BYTES = 256 * 1024;
export const MAX_HOST_KEYS = 16;
export const MAX_CLIENT_KEYS = 1_000;
const MAX_USER_BYTES = 256;

/** @throws MessageError */
export function decodeCreateSessionRequest(bytes: Uint8Array): CreateSessionRequest {
  if (bytes.length > MAX_REQUEST_BYTES) throw new MessageError("The request is too large.");
  const hostPublicKeys: string[] = [];
  const clientAuthorizedKeys: string[] = [];
  let hostUser = "";
  let secret: Buffer = Buffer.alloc(0);
  let proof: Buffer = Buffer.alloc(0);
  let generation = 0n;
  for (const { number, value } of fields(bytes)) {
    switch (number) {
      case 1:
        hostUser = text(value, MAX_USER_BYTES);
        break;
      case 2:
        if (hostPublicKeys.push(text(value)) > MAX_HOST_KEYS) throw new MessageError("Too many host keys.");
        break;
      case 3:
        if (clientAuthorizedKeys.push(text(value)) > MAX_CLIENT_KEYS)
          throw new MessageError("Too many client keys.");
        break;
      case 4:
        secret = block(value);
        break;
      case 5:
        generation = integer(value);
        break;
      case 6:
        proof = block(value);
        break;
    }
  }
  const identity = proof.length === 0 ? null : { secret, generation, proof };
  return { hostUser, hostPublicKeys, clientAuthorizedKeys, identity };
}

export function encodeCreateSessionResponse(response: CreateSessionResponse): Buffer {
  return Buffer.concat([
    lengthDelimited(1, response.sessionId),
    lengthDelimited(2, response.nodeAddress),
    lengthDelimited(3, response.sshUser),
    response.sessionKeyRedial ? Buffer.from([(4 << 3) | VARINT, 1]) : Buffer.alloc(0),
  ]);
}

const VARINT = 0;
const FIXED64 = 1;
const FIXED32 = 5;
/** Known and unknown fields together. */
const MAX_FIELDS = 4_096;

interface Field {
  readonly number: number;
  /** A buffer shares the message's memory. */
  readonly value: bigint | Buffer;
}

/** The fields of a message, known or not. Refuses groups, which version 3 no longer has. */
function* fields(bytes: Uint8Array): Generator<Field> {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[offset++];
      if (byte === undefined) throw new MessageError("The message is cut off.");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MessageError("A number of more than ten bytes.");
  };
  const take = (length: number): Buffer => {
    if (length > message.length - offset) throw new MessageError("The message is cut off.");
    offset += length;
    return message.subarray(offset - length, offset);
  };
  for (let count = 0; offset < message.length; count++) {
    if (count === MAX_FIELDS) throw new MessageError("Too many fields.");
    const tag = varint();
    const number = Number(tag >> 3n);
    if (number < 1 || number > 0x1fff_ffff) throw new MessageError("A field without a valid number.");
    switch (Number(tag & 7n)) {
      case VARINT:
        yield { number, value: varint() };
        break;
      case FIXED64:
        yield { number, value: take(8) };
        break;
      case LENGTH_DELIMITED: {
        const length = varint();
        if (length > BigInt(message.length)) throw new MessageError("The message is cut off.");
        yield { number, value: take(Number(length)) };
        break;
      }
      case FIXED32:
        yield { number, value: take(4) };
        break;
      default:
        throw new MessageError("A field of an unknown type.");
    }
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function block(value: bigint | Buffer): Buffer {
  if (typeof value === "bigint") throw new MessageError("A number instead of bytes.");
  return Buffer.from(value);
}

function text(value: bigint | Buffer, limit = Number.POSITIVE_INFINITY): string {
  const bytes = block(value);
  if (bytes.length > limit) throw new MessageError(`A text of more than ${limit} bytes.`);
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new MessageError("A text that is not UTF-8.", { cause });
  }
}

function integer(value: bigint | Buffer): bigint {
  if (typeof value !== "bigint") throw new MessageError("Bytes instead of a number.");
  return value;
}

/** A field that has its default value is left out. */
function lengthDelimited(number: number, value: string): Buffer {
  return value === "" ? Buffer.alloc(0) : textField(number, value);
}
