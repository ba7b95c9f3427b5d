// Accepts packets beyond ssh2's own limit of 35,000 bytes (which RFC 4253 §6.1 requires) from peers that are signed in: a long
// command or variable is one packet, and OpenSSH accepts 256 KiB.
//
// ssh2's deciphers throw when they have read the length of such a packet. Nothing is lost by then: this file does what they would
// have done next, and they continue after the length as if it had been valid. Each kind of decipher keeps its state differently;
// test/unit/protocol/ssh/ssh2/large-packets.test.ts covers all of them.

import { createDecipheriv, createHmac } from "node:crypto";
import { DISCONNECT } from "../message-numbers.ts";
import { fail, isAlive, type PrivateDecipher, type PrivateProtocol, unexpectedVersion } from "./private.ts";

/** Without the length field. OpenSSH's limit is 256 KiB; longer packets are read so that only the request in them is refused. */
export const MAX_PACKET_BYTES = 1024 * 1024;
/** ssh2's own limit; some of its deciphers count a few bytes more than the length. */
const SSH2_LIMIT = 35_000 - 20;

/** @param isAllowed is asked for each large packet. A packet beyond MAX_PACKET_BYTES ends the connection, with a reason. */
export function acceptLargePackets(protocol: PrivateProtocol, isAllowed: () => boolean): void {
  let decipher = protocol._decipher;
  const known = new WeakSet<PrivateDecipher>();
  // ssh2 creates a new one in each key exchange.
  Object.defineProperty(protocol, "_decipher", {
    configurable: true,
    enumerable: true,
    get: () => decipher,
    set(next: PrivateDecipher | undefined) {
      if (next !== undefined && !known.has(next)) {
        known.add(next);
        extend(next, isAllowed, (length) => {
          if (!isAlive(protocol)) return;
          const text = `A packet of ${length} bytes exceeds the limit of ${MAX_PACKET_BYTES}.`;
          fail(protocol, DISCONNECT.protocolError, new Error(text));
        });
      }
      decipher = next;
    },
  });
}

/** Makes one decipher accept large packets. Exported for tests. */
export function extend(
  decipher: PrivateDecipher,
  isAllowed: () => boolean,
  onTooLarge: (length: number) => void,
): void {
  const framing = framingOf(decipher);
  if (framing === undefined) return;
  const decrypt = decipher.decrypt;
  let receive = decipher._onPayload;
  // ssh2 stops after a packet, and reports where, if its receiver returns false. So each call begins inside or before a packet.
  const one = (payload: Buffer): unknown => receive(payload) ?? false;
  decipher.decrypt = (data, from, end) => {
    if (decipher._onPayload !== one) {
      // A key exchange has set a different receiver.
      receive = decipher._onPayload;
      decipher._onPayload = one;
    }
    const lengthBytesLeft = framing.headBytes - framing.headRead();
    try {
      return Reflect.apply(decrypt, decipher, [data, from, end]);
    } catch (error) {
      if (!isPacketLength(error) || !isLarge(decipher._len, framing) || !isAllowed()) throw error;
      if (decipher._len > MAX_PACKET_BYTES) {
        onTooLarge(decipher._len);
        return Number.POSITIVE_INFINITY;
      }
      framing.goOn();
      return from + lengthBytesLeft;
    }
  };
}

interface Framing {
  /** How many bytes are read before the length is known, and how many of them were read. */
  readonly headBytes: number;
  headRead(): number;
  /** After the head comes a multiple of this many bytes. */
  readonly alignment: number;
  /** How many bytes of the packet are in the head, after the length. */
  readonly inHead: number;
  /** What the decipher does once it has accepted a length. */
  goOn(): void;
}

const LENGTH_BYTES = 4;

/** Returns undefined before the first keys, when nobody is signed in. */
function framingOf(decipher: PrivateDecipher): Framing | undefined {
  const { _lenPos, _lenBytes, _tag, _block } = decipher;
  if (_lenPos !== undefined) return chachaFraming(decipher);
  if (_tag !== undefined) return gcmFraming(decipher);
  if (_block !== undefined) return hmacFraming(decipher, _block);
  if (_lenBytes !== undefined) return undefined;
  throw unexpectedVersion();
}

function chachaFraming(decipher: PrivateDecipher): Framing {
  return {
    headBytes: LENGTH_BYTES,
    headRead: () => decipher._lenPos ?? 0,
    alignment: 8,
    inHead: 0,
    goOn() {},
  };
}

function gcmFraming(decipher: PrivateDecipher): Framing {
  const { _decipherSSLName: name, _decipherKey: key, _decipherIV: iv } = decipher;
  return {
    headBytes: LENGTH_BYTES,
    headRead: () => decipher._lenBytes ?? 0,
    alignment: 16,
    inHead: 0,
    goOn() {
      if (name === undefined || key === undefined || iv === undefined) return;
      if (name !== "aes-128-gcm" && name !== "aes-256-gcm") throw unexpectedVersion();
      const instance = createDecipheriv(name, key, iv);
      instance.setAutoPadding(false);
      instance.setAAD(uint32(decipher._len));
      decipher._decipherInstance = instance;
    },
  };
}

/** With encrypt-then-MAC, the head is the length, in the clear; otherwise the head is a deciphered block that begins with it. */
function hmacFraming(decipher: PrivateDecipher, head: Buffer): Framing {
  const { _blockSize: blockSize, _macSSLName: macName, _macKey: macKey } = decipher;
  const isWrittenInJs = blockSize !== undefined;
  const lastDeciphered = isWrittenInJs ? rememberLast(decipher) : () => head;
  const inHead = head.length - LENGTH_BYTES;
  return {
    headBytes: head.length,
    headRead: () => decipher._blockPos ?? 0,
    alignment: blockSize ?? head.length,
    inHead,
    goOn() {
      const first = decipher._macETM === true ? head : lastDeciphered();
      if (isWrittenInJs) {
        if (macName === undefined || macKey === undefined) throw unexpectedVersion();
        const mac = createHmac(macName, macKey);
        mac.update(uint32(decipher.inSeqno)).update(first.subarray(0, LENGTH_BYTES));
        decipher._macInstance = mac;
      }
      if (decipher._macETM === true || inHead === 0) return;
      decipher._packet = Buffer.allocUnsafe(decipher._len);
      decipher._packet.set(first.subarray(LENGTH_BYTES), 0);
      decipher._pktLen = inHead;
      if (isWrittenInJs) decipher._packetPos = inHead;
    },
  };
}

/** Remembers the cipher's last output: the head of a packet is kept nowhere else. */
function rememberLast(decipher: PrivateDecipher): () => Buffer {
  const instance = decipher._decipherInstance;
  if (instance === undefined || instance === null) throw unexpectedVersion();
  const update = instance.update.bind(instance);
  let last: Buffer = Buffer.alloc(0);
  instance.update = (data) => {
    last = update(data);
    return last;
  };
  return () => last;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function isPacketLength(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Bad packet length");
}

function isLarge(length: number, { alignment, inHead }: Framing): boolean {
  return length > SSH2_LIMIT && (length - inHead) % alignment === 0;
}
