// One binary message of the subprotocol `sallyport.v1.resume`:
//
//   type u8 | flags u8 (0) | ack u48 | offset u48 | payload        integers big-endian
//
// Offsets count the bytes of one direction from 0; the end (FIN) takes up one offset. `ack` is the offset of the first byte that
// the sender of the frame has not handed on to its reader yet.

import { MAX_MESSAGE_BYTES } from "../limits.ts";
import { frameHeaderLength } from "../web-socket/web-socket-frame.ts";

export const HEADER_BYTES = 14;

export const FRAME = {
  /** First on a connection, from the end that dialled. handshake.ts has the payload. */
  hello: 1,
  /** The answer. */
  welcome: 2,
  data: 3,
  ack: 4,
  /** No byte follows `offset` in this direction. */
  fin: 5,
  /** The stream is over at once. The payload is a code of RESET and the sender's instance. */
  reset: 6,
  /** The payload, at most 64 bytes, comes back in a pong. */
  ping: 7,
  pong: 8,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** The reasons in a RESET. */
export const RESET = {
  /** A frame did not parse, or was not allowed in the stream's state. */
  protocol: 1,
  /** There is no stream with this id: it is over, or the process was restarted. */
  unknown: 2,
  /** The proof is wrong, the epoch was used before, or the stream belongs to a different account. */
  refused: 3,
  /** There are as many streams as are allowed. */
  busy: 4,
  /** The stream's user at the other end is gone. */
  gone: 5,
  /** The process at the other end is stopping. */
  stopping: 6,
  /** The other end does not speak this version of the handshake. */
  version: 7,
} as const;

export type ResetCode = (typeof RESET)[keyof typeof RESET];

export interface Frame {
  readonly type: FrameType;
  readonly ack: number;
  readonly offset: number;
  /** A view into the message. */
  readonly payload: Buffer;
}

const MAX_PING = 64;
const types: ReadonlySet<number> = new Set(Object.values(FRAME));
const resetCodes: ReadonlySet<number> = new Set(Object.values(RESET));

/** Whether the next frame of its type makes this one unnecessary. */
export function isAnswer(frame: Uint8Array): boolean {
  return frame[0] === FRAME.ack || frame[0] === FRAME.pong;
}

/** A message is not a frame, or is not allowed where it came. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** The memory for a frame with this much payload, in bytes, with room for a WebSocket frame's header in front. */
export function memoryForFrame(payloadLength: number): number {
  const length = HEADER_BYTES + payloadLength;
  return frameHeaderLength(length, true) + length;
}

/** Encodes a frame in memory of its own, with room in front (memoryForFrame). */
export function encodeFrame(type: FrameType, ack: number, offset: number, payload?: Uint8Array): Buffer {
  const length = payload?.length ?? 0;
  const memory = Buffer.allocUnsafe(memoryForFrame(length));
  const frame = memory.subarray(memory.length - HEADER_BYTES - length);
  encodeHeader(frame, type, ack, offset);
  if (payload !== undefined) frame.set(payload, HEADER_BYTES);
  return frame;
}

export function encodeHeader(frame: Buffer, type: FrameType, ack: number, offset: number): void {
  frame[0] = type;
  frame[1] = 0;
  frame.writeUIntBE(ack, 2, 6);
  frame.writeUIntBE(offset, 8, 6);
}

/** Updates the ack of a frame that is sent again. */
export function renewAck(frame: Buffer, ack: number): void {
  frame.writeUIntBE(ack, 2, 6);
}

/** @throws FrameError */
export function decodeFrame(message: unknown): Frame {
  if (!(message instanceof Uint8Array)) throw new FrameError("not a binary message");
  if (message.length < HEADER_BYTES) throw new FrameError("shorter than a header");
  if (message.length > MAX_MESSAGE_BYTES) throw new FrameError("too long");
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const type = bytes.readUInt8(0);
  if (!isFrameType(type)) throw new FrameError(`unknown type ${type}`);
  if (bytes[1] !== 0) throw new FrameError("unknown flags");
  const payload = bytes.subarray(HEADER_BYTES);
  if (!fits(type, payload.length)) throw new FrameError("a payload of the wrong length");
  return { type, ack: bytes.readUIntBE(2, 6), offset: bytes.readUIntBE(8, 6), payload };
}

function isFrameType(value: number): value is FrameType {
  return types.has(value);
}

function fits(type: FrameType, length: number): boolean {
  switch (type) {
    case FRAME.data:
      return length > 0;
    case FRAME.ack:
    case FRAME.fin:
      return length === 0;
    case FRAME.ping:
    case FRAME.pong:
      return length <= MAX_PING;
    case FRAME.reset:
      return length === RESET_BYTES;
    case FRAME.hello:
    case FRAME.welcome:
      // Each version of the handshake has its own length.
      return length > 0 && length <= 1024;
  }
}

/** An instance identifies the process at one end. If it has changed, the streams of the previous process are gone. */
export const INSTANCE_BYTES = 8;
const RESET_BYTES = 1 + INSTANCE_BYTES;

export function encodeReset(code: ResetCode, instance: Uint8Array): Buffer {
  return encodeFrame(FRAME.reset, 0, 0, Buffer.concat([Buffer.of(code), instance]));
}

/** @throws FrameError */
export function readReset(frame: Frame): { readonly code: ResetCode; readonly instance: Buffer } {
  const code = frame.payload.readUInt8(0);
  if (!isResetCode(code)) throw new FrameError(`unknown reset code ${code}`);
  return { code, instance: frame.payload.subarray(1) };
}

function isResetCode(value: number): value is ResetCode {
  return resetCodes.has(value);
}
