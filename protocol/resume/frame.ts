// One binary message of the subprotocol `sallyport.v1.resume`:
//
//   type u8 | flags u8 (0) | ack u48 | offset u48 | payload        integers big-endian
//
// Offsets count the bytes of one direction from 0; the end (FIN) takes one offset of its own. `ack` is the offset of the
// first byte that the sender of the frame has not handed on yet.

import { MAX_MESSAGE_BYTES } from "../limits.ts";
import { frameHeaderLength } from "../web-socket/web-socket-frame.ts";

export const HEADER_BYTES = 14;

export const FRAME = {
  /** First on a connection, from the end that dialled; the payload is handshake.ts's. */
  hello: 1,
  /** The answer. */
  welcome: 2,
  data: 3,
  ack: 4,
  /** No byte follows `offset` in this direction. */
  fin: 5,
  /** The stream is over at once; the payload is one of RESET and the instance that says so. */
  reset: 6,
  /** The payload, of at most 64 bytes, comes back in a pong. */
  ping: 7,
  pong: 8,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** Why a stream is over, as a RESET says it. */
export const RESET = {
  /** A frame that does not parse, or that this state of the stream does not allow. */
  protocol: 1,
  /** No stream of this id: it was over, or the process is another one than before. */
  unknown: 2,
  /** A wrong proof, a used epoch, or another person's stream. */
  refused: 3,
  /** As many streams as there may be. */
  busy: 4,
  /** Whoever reads or writes at the other end is gone. */
  gone: 5,
  /** The process at the other end stops. */
  stopping: 6,
  /** A version of the handshake that the other end does not speak. */
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

/** Whether the next frame of its type makes this one needless. */
export function isAnswer(frame: Uint8Array): boolean {
  return frame[0] === FRAME.ack || frame[0] === FRAME.pong;
}

/** A message that is no frame. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** Memory that a frame with so much payload needs: in front of it there is room for the header of a WebSocket's frame. */
export function memoryForFrame(payloadLength: number): number {
  const length = HEADER_BYTES + payloadLength;
  return frameHeaderLength(length, true) + length;
}

/** A frame as a message, in memory of its own. */
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

/** A frame that is sent again says what has been received by now. */
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

/** Names the process at one end: a stream that is unknown to another instance went with the former one. */
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
