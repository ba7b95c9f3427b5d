// Packets beyond ssh2's own limit of 35,000 bytes (RFC 4253 §6.1 asks for that much), for peers that are signed in: a long
// command or variable is one packet, and OpenSSH takes 256 KiB.
//
// ssh2's deciphers throw when they have read the length of such a packet, and nothing is lost by then: what they would have
// done next is done here, and they go on behind the length as if it had been fine. Each of them keeps its state in another
// way; test/unit/protocol/ssh/ssh2/large-packets.test.ts holds all of them.

import { createDecipheriv, createHmac } from "node:crypto";
import { DISCONNECT } from "../message-numbers.ts";
import { fail, isAlive, type PrivateDecipher, type PrivateProtocol, unexpectedVersion } from "./private.ts";

/** Without the length field. OpenSSH's is 256 KiB; a longer one is read here so that what is in it can be refused alone. */
export const MAX_PACKET_BYTES = 1024 * 1024;
/** ssh2's own; some of its deciphers count a few bytes more than the length. */
const SSH2_LIMIT = 35_000 - 20;

/** `isAllowed` is asked for each large packet. A peer whose packets are larger still is told so, and the connection ends. */
export function acceptLargePackets(protocol: PrivateProtocol, isAllowed: () => boolean): void {
  let decipher = protocol._decipher;
  const known = new WeakSet<PrivateDecipher>();
  // ssh2 makes a new one in each key exchange.
  Object.defineProperty(protocol, "_decipher", {
    configurable: true,
    enumerable: true,
    get: () => decipher,
    set(next: PrivateDecipher | undefined) {
      if (next !== undefined && !known.has(next)) {
        known.add(next);
        extend(next, isAllowed, (length) => {
          if (!isAlive(protocol)) return;
          const text = `A packet of ${length} bytes, where ${MAX_PACKET_BYTES} are the limit.`;
          fail(protocol, DISCONNECT.protocolError, new Error(text));
        });
      }
      decipher = next;
    },
  });
}

/** Makes one decipher go on where a packet is large. For tests as well. */
export function extend(
  decipher: PrivateDecipher,
  isAllowed: () => boolean,
  onTooLarge: (length: number) => void,
): void {
  const framing = framingOf(decipher);
  if (framing === undefined) return;
  const decrypt = decipher.decrypt;
  let receive = decipher._onPayload;
  // ssh2 stops behind a packet, and says where, if its receiver wants it to: so each call begins with what is left of one.
  const one = (payload: Buffer): unknown => receive(payload) ?? false;
  decipher.decrypt = (data, from, end) => {
    if (decipher._onPayload !== one) {
      // A key exchange has put another receiver there.
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
  /** How much is read before the length is known, and how much of it has been. */
  readonly headBytes: number;
  headRead(): number;
  /** A multiple of this many bytes comes behind the head. */
  readonly alignment: number;
  /** Bytes of the packet that are in the head, behind the length. */
  readonly inHead: number;
  /** What the decipher does once it has accepted a length. */
  goOn(): void;
}

const LENGTH_BYTES = 4;

/** undefined: before the first keys, when nobody is signed in. */
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

/** With an encrypt-then-MAC method the length is in the clear and the head; otherwise the head is deciphered, with its length. */
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

/** What the cipher has put out last: the head of a packet is kept nowhere else. */
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
