// The private parts of ssh2 that Sallyport uses, and the check that they are there. ssh2 is pinned to 1.17.0;
// test/unit/protocol/ssh/ssh2/ fails when they change. Only files in this directory import this one.

import type { Hmac } from "node:crypto";
import utils from "ssh2/lib/protocol/utils.js";
import { printable } from "../../values/printable.ts";
import { MSG } from "../message-numbers.ts";

/** One side of an SSH connection inside ssh2. */
export interface PrivateProtocol {
  _onPayload: (payload: Buffer) => unknown;
  _onPacket: () => void;
  _onHandshakeComplete: (...details: unknown[]) => void;
  _onError: (error: Error) => void;
  readonly _server: boolean;
  /** This side's KEXINIT during a key exchange. */
  readonly _kexinit: Buffer | undefined;
  _kex: PrivateKeyExchange | undefined;
  /** undefined before the first KEXINIT has arrived. */
  readonly _strictMode: boolean | undefined;
  _offer: PrivateOffer;
  /** undefined before the peer's version line. `inSeqno` already counts the packet that is being handled. */
  _decipher: PrivateDecipher | undefined;
  readonly _cipher: { readonly outSeqno: number };
  /** undefined once the connection has ended; every write throws from then on. */
  readonly _destruct: ((reason?: string) => void) | undefined;
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      readonly allocStartKEX: number;
      alloc(size: number, force?: boolean): Buffer;
      finalize(packet: Buffer, force?: boolean): Buffer;
    };
  };
  /** Handles the bytes between two offsets of what was received. Throws once the connection has ended. */
  parse: (data: Buffer, from: number, to: number) => void;
  rekey(): void;
  cleanup(): void;
}

/** Reads packets. The optional fields that are present tell the kinds of deciphers apart (large-packets.ts). */
export interface PrivateDecipher {
  inSeqno: number;
  _onPayload: (payload: Buffer) => unknown;
  /** Returns where it stopped; undefined if it has read everything. */
  decrypt(data: Buffer, from: number, end: number): unknown;
  /** The length of the packet that is being read. */
  readonly _len: number;
  _packet: Buffer | null;
  /** How many bytes of the packet were read, and how many deciphered. */
  _pktLen?: number;
  _packetPos?: number;
  /** ChaCha20-Poly1305: how many bytes of the length were read. */
  readonly _lenPos?: number;
  /** AES-GCM, and without a cipher: the same. */
  readonly _lenBytes?: number;
  /** AES-GCM only. */
  readonly _tag?: Buffer;
  /** AES-CTR with HMAC: what is read before the length is known, and how much of it was read. */
  readonly _block?: Buffer;
  readonly _blockPos?: number;
  readonly _macETM?: boolean;
  /** The deciphers written in JavaScript have these; ssh2's native ones do not. */
  _decipherInstance?: { update(data: Uint8Array): Buffer } | null;
  readonly _decipherSSLName?: string;
  readonly _decipherKey?: Buffer;
  readonly _decipherIV?: Buffer;
  readonly _blockSize?: number;
  _macInstance?: Hmac | null;
  readonly _macSSLName?: string;
  readonly _macKey?: Buffer;
}

/** One key exchange. A different method of exchange replaces its functions. */
export interface PrivateKeyExchange {
  remoteExtInfoEnabled: boolean;
  readonly sessionID: Buffer | undefined;
  readonly negotiated: { kex: string };
  type: string;
  hashName: string;
  _remoteKexinit: Buffer;
  /** The server's first half sends the reply and NEWKEYS. Called again, it derives keys and uses them; `partial`: only derives. */
  finish: (partial?: boolean) => unknown;
  getPublicKey(): Buffer;
  convertPublicKey(key: Buffer): Buffer;
  computeSecret(otherPublicKey: Buffer): Buffer | Error;
}

interface List {
  readonly array: readonly string[];
}
interface Direction {
  readonly cipher: List;
  readonly mac: List;
  readonly compress: List;
  readonly lang: List;
}

/** What this side's KEXINIT offers. */
export interface PrivateOffer {
  readonly lists: {
    readonly kex: List;
    readonly serverHostKey: List;
    readonly cs: Direction;
    readonly sc: Direction;
  };
}

/** The protocol inside ssh2's `Connection` or `Client`. */
export function privateProtocol(connection: object): PrivateProtocol {
  return checkedProtocol("_protocol" in connection ? connection._protocol : undefined);
}

export function checkedProtocol(protocol: unknown): PrivateProtocol {
  if (!isPrivateProtocol(protocol)) throw unexpectedVersion();
  return protocol;
}

export function unexpectedVersion(): Error {
  return new Error(
    "This ssh2 is not the version that Sallyport was built for (1.17.0): reinstall Sallyport.",
  );
}

function isPrivateProtocol(value: unknown): value is PrivateProtocol {
  if (typeof value !== "object" || value === null) return false;
  const has = (name: string, type: string) =>
    // `in` and then a read: both see what ssh2 puts on the object and on its prototype.
    name in value && typeof (value as Readonly<Record<string, unknown>>)[name] === type;
  return (
    has("_onPayload", "function") &&
    has("_onPacket", "function") &&
    has("_onHandshakeComplete", "function") &&
    has("_onError", "function") &&
    has("_server", "boolean") &&
    has("_offer", "object") &&
    has("_cipher", "object") &&
    has("_packetRW", "object") &&
    has("parse", "function") &&
    has("rekey", "function") &&
    has("cleanup", "function") &&
    "_kexinit" in value &&
    "_kex" in value &&
    "_strictMode" in value &&
    "_decipher" in value &&
    "_destruct" in value
  );
}

export function isAlive(protocol: PrivateProtocol): boolean {
  return protocol._destruct !== undefined;
}

export function isExchangingKeys(protocol: PrivateProtocol): boolean {
  return protocol._kexinit !== undefined;
}

/** Returns the payload's size. @param now skips the queue of a key exchange, for DISCONNECT only */
export function sendMessage(protocol: PrivateProtocol, parts: readonly Uint8Array[], now: boolean): number {
  const writer = protocol._packetRW.write;
  let size = 0;
  for (const part of parts) size += part.length;
  let offset = now ? writer.allocStartKEX : writer.allocStart;
  const packet = writer.alloc(size, now);
  for (const part of parts) {
    packet.set(part, offset);
    offset += part.length;
  }
  utils.sendPacket(protocol, writer.finalize(packet, now), now);
  return size;
}

/** DISCONNECT (RFC 4253 §11.1). */
export function disconnectMessage(reason: number, description: string): Uint8Array {
  const text = Buffer.from(printable(description, 500), "utf8");
  const message = Buffer.alloc(1 + 4 + 4 + text.length + 4);
  message[0] = MSG.disconnect;
  message.writeUInt32BE(reason, 1);
  message.writeUInt32BE(text.length, 5);
  message.set(text, 9);
  return message;
}

/** Ends a connection as ssh2 does on a fatal error, with a description in the DISCONNECT. The return value stops its parser. */
export function fail(protocol: PrivateProtocol, reason: number, problem: Error): number {
  sendMessage(protocol, [disconnectMessage(reason, problem.message)], true);
  protocol._destruct?.();
  protocol._onError(problem);
  return Number.POSITIVE_INFINITY;
}
