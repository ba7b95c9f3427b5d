// The first frame in each direction of a connection. The end that dialled names the stream that it continues and how far it has
// come; the other end checks the proof and answers with the same. A new stream's id and secret come with the answer, and tie
// later connections to this one. They do not keep the bytes secret from the gateway in between; SSH inside the stream does.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { encodeFrame, FRAME, type Frame, FrameError, INSTANCE_BYTES } from "./frame.ts";

const VERSION = 1;
const SID_BYTES = 16;
const SECRET_BYTES = 32;
const NONCE_BYTES = 16;
const PROOF_BYTES = 32;
/** The largest u48, 281 TB: a connection at 1 Gbit/s takes 26 days for that. */
export const MAX_OFFSET = 2 ** 48 - 1;

/** A stream's id and secret, which both ends know once it exists. */
export interface StreamKey {
  readonly sid: Buffer;
  readonly secret: Buffer;
}

export function newStreamKey(): StreamKey {
  return { sid: randomBytes(SID_BYTES), secret: randomBytes(SECRET_BYTES) };
}

/** How far one end has come, and how much it accepts. */
export interface Position {
  /** The offset of the next byte that it expects. */
  readonly received: number;
  /** How many bytes the end accepts before it has handed them on. */
  readonly window: number;
}

export interface Hello extends Position {
  /** undefined: a new stream. */
  readonly resumed: { readonly sid: Buffer; readonly epoch: number; readonly proof: Buffer } | undefined;
  readonly nonce: Buffer;
}

export interface Welcome extends Position {
  readonly key: StreamKey;
  readonly epoch: number;
  readonly graceMs: number;
  readonly instance: Buffer;
}

/** The peer's version of the handshake is not spoken here. */
export class VersionError extends Error {
  override readonly name = "VersionError";
}

// version u8 | resumed u8 | window u32 | received u48 | nonce 16 | sid 16 | epoch u32 | proof 32
const HELLO_BYTES = 1 + 1 + 4 + 6 + NONCE_BYTES + SID_BYTES + 4 + PROOF_BYTES;

/** @param resumed the stream to continue, and its epoch, which is greater at each try; undefined: a new stream */
export function encodeHello(
  position: Position,
  resumed: { readonly key: StreamKey; readonly epoch: number } | undefined,
): { readonly frame: Buffer; readonly nonce: Buffer } {
  const nonce = randomBytes(NONCE_BYTES);
  const payload = Buffer.alloc(HELLO_BYTES);
  payload.writeUInt8(VERSION, 0);
  payload.writeUInt8(resumed === undefined ? 0 : 1, 1);
  payload.writeUInt32BE(position.window, 2);
  payload.writeUIntBE(position.received, 6, 6);
  nonce.copy(payload, 12);
  if (resumed !== undefined) {
    const { key, epoch } = resumed;
    key.sid.copy(payload, 28);
    payload.writeUInt32BE(epoch, 44);
    proof("hello", key, epoch, position, nonce).copy(payload, 48);
  }
  return { frame: encodeFrame(FRAME.hello, 0, 0, payload), nonce };
}

/** @throws FrameError, VersionError */
export function decodeHello({ type, payload }: Frame): Hello {
  if (type !== FRAME.hello) throw new FrameError("the first frame must be a hello");
  if (payload.readUInt8(0) !== VERSION) throw new VersionError("a different version of the handshake");
  if (payload.length !== HELLO_BYTES || payload.readUInt8(1) > 1) throw new FrameError("a malformed hello");
  const resumed =
    payload.readUInt8(1) === 0
      ? undefined
      : {
          sid: Buffer.from(payload.subarray(28, 44)),
          epoch: payload.readUInt32BE(44),
          proof: Buffer.from(payload.subarray(48)),
        };
  return {
    window: payload.readUInt32BE(2),
    received: payload.readUIntBE(6, 6),
    nonce: Buffer.from(payload.subarray(12, 28)),
    resumed,
  };
}

/** Whether the sender of this hello knows the stream's secret. In constant time. */
export function proves(hello: Hello, key: StreamKey): boolean {
  if (hello.resumed === undefined) return false;
  return timingSafeEqual(hello.resumed.proof, proof("hello", key, hello.resumed.epoch, hello, hello.nonce));
}

// version u8 | new u8 | window u32 | received u48 | sid 16 | epoch u32 | grace u32 (s) | instance 8 | secret 32 | proof 32
const WELCOME_BYTES = 1 + 1 + 4 + 6 + SID_BYTES + 4 + 4 + INSTANCE_BYTES + SECRET_BYTES + PROOF_BYTES;

export function encodeWelcome(welcome: Welcome, hello: Hello): Buffer {
  const payload = Buffer.alloc(WELCOME_BYTES);
  const isNew = hello.resumed === undefined;
  payload.writeUInt8(VERSION, 0);
  payload.writeUInt8(isNew ? 1 : 0, 1);
  payload.writeUInt32BE(welcome.window, 2);
  payload.writeUIntBE(welcome.received, 6, 6);
  welcome.key.sid.copy(payload, 12);
  payload.writeUInt32BE(welcome.epoch, 28);
  payload.writeUInt32BE(Math.ceil(welcome.graceMs / 1000), 32);
  welcome.instance.copy(payload, 36);
  if (isNew) welcome.key.secret.copy(payload, 44);
  proof("welcome", welcome.key, welcome.epoch, welcome, hello.nonce).copy(payload, 76);
  return encodeFrame(FRAME.welcome, 0, 0, payload);
}

/**
 * Checks the answer to a hello.
 * @param known the stream that the hello named; undefined: a new one
 * @throws FrameError (also where the proof is wrong), VersionError
 */
export function decodeWelcome(
  { type, payload }: Frame,
  nonce: Buffer,
  known: StreamKey | undefined,
): Welcome {
  if (type !== FRAME.welcome) throw new FrameError("the answer to a hello must be a welcome");
  if (payload.readUInt8(0) !== VERSION) throw new VersionError("a different version of the handshake");
  if (payload.length !== WELCOME_BYTES) throw new FrameError("a malformed welcome");
  const isNew = payload.readUInt8(1) === 1;
  if (isNew !== (known === undefined)) throw new FrameError("a welcome to a different stream");
  const sid = Buffer.from(payload.subarray(12, 28));
  const key = known ?? { sid, secret: Buffer.from(payload.subarray(44, 76)) };
  if (!sid.equals(key.sid)) throw new FrameError("a welcome to a different stream");
  const welcome = {
    key,
    window: payload.readUInt32BE(2),
    received: payload.readUIntBE(6, 6),
    epoch: payload.readUInt32BE(28),
    graceMs: payload.readUInt32BE(32) * 1000,
    instance: Buffer.from(payload.subarray(36, 44)),
  };
  if (!timingSafeEqual(payload.subarray(76), proof("welcome", key, welcome.epoch, welcome, nonce))) {
    throw new FrameError("a welcome without proof");
  }
  return welcome;
}

function proof(
  from: "hello" | "welcome",
  key: StreamKey,
  epoch: number,
  { received, window }: Position,
  nonce: Buffer,
): Buffer {
  const said = Buffer.alloc(14);
  said.writeUInt32BE(epoch, 0);
  said.writeUIntBE(received, 4, 6);
  said.writeUInt32BE(window, 10);
  return createHmac("sha256", key.secret)
    .update(`sallyport-resume-v1 ${from}\0`)
    .update(key.sid)
    .update(said)
    .update(nonce)
    .digest();
}
