// Takes over the connection protocol (RFC 4254) from ssh2, packet by packet. ssh2 keeps the transport and user authentication
// (RFC 4253, RFC 4252). Its channels are not used: they lose half-close, mix up stdout and stderr when the window is full, accept
// more than the window that they announced (ssh2#1505), ignore the socket's back-pressure, and answer no requests once a channel
// has started.

import type { Duplex } from "node:stream";
import type { Connection } from "ssh2";
import { HIGH_WATER_BYTES, WAITING_MESSAGE_BYTES } from "../../limits.ts";
import { KeyExchangeAllowance } from "../key-exchange-allowance.ts";
import { DISCONNECT, MSG } from "../message-numbers.ts";
import { WireError, WireReader } from "../wire.ts";
import { prepareKeyExchange } from "./key-exchange.ts";
import { acceptLargePackets } from "./large-packets.ts";
import { paceParsing } from "./packet-pace.ts";
import {
  disconnectMessage,
  fail,
  isAlive,
  isExchangingKeys,
  type PrivateProtocol,
  privateProtocol,
  sendMessage,
} from "./private.ts";
import { countUnsent } from "./unsent.ts";

/**
 * How much may wait to be sent, in bytes of memory, before a server cuts the peer off. Senders of data stop while the transport
 * is not writable, so what accumulates are answers to a peer that asks and does not read.
 */
export const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** An SSH connection as a carrier of connection-protocol messages. */
export interface PacketTransport {
  /** False during key exchange, while the stream below is full, and after the end: stop producing data. */
  readonly writable: boolean;
  readonly exchangingKeys: boolean;
  /** Payload bytes carried in both directions since the last key exchange. */
  readonly bytesSinceKeyExchange: number;
  /** What was sent but still waits for the end of a key exchange or for the stream below, in bytes of memory. */
  readonly waitingBytes: number;
  /** Sequence number of the message being received, and of the next one to be sent (RFC 4253 §6.4). */
  readonly received: number;
  readonly nextSent: number;
  /** Sends one message, given in parts. It is queued during a key exchange, and dropped after the end. */
  send(...parts: readonly Uint8Array[]): void;
  /** Stops reading from the stream below. A few messages that were already read still come. */
  pause(): void;
  resume(): void;
  /**
   * Tells the peer why (RFC 4253 §11.1) and ends the stream after what was sent. What waits for the end of a key exchange is
   * lost.
   */
  disconnect(reason: number, description: string): void;
  /** Cuts the stream off. */
  destroy(): void;
  /** Starts a key exchange, unless one is in progress or the peer has not signed in. */
  rekey(): void;
}

export interface PacketReceiver {
  /** A connection-protocol message of an authenticated peer. The receiver may keep its memory. */
  receive(payload: Buffer): void;
  /** `transport.writable` may have become true. */
  drain(): void;
  /** A key exchange has begun or ended. It only ends if the stream is read. */
  exchangingKeys?(begun: boolean): void;
  /** The peer did not know the message that was sent with this sequence number. */
  unimplemented?(sequence: number): void;
  /** For servers: a client that is not signed in has begun its first key exchange, or requests a service (to sign in). */
  keyExchangeBegun?(): void;
  serviceAsked?(): void;
  /** The peer's DISCONNECT. The end of the stream follows. */
  disconnected?(reason: number, description: string): void;
  /** The peer sends nothing more; unless the stream broke, everything that it sent was received. Called once. */
  ended?(): void;
}

/**
 * Takes over the connection protocol from ssh2. To be called in the server's `connection` event, before the key exchange. The
 * receiver gets nothing before authentication has succeeded.
 */
export function takeOverConnection(
  connection: Connection,
  stream: Duplex,
  receiver: PacketReceiver,
): PacketTransport {
  const protocol = privateProtocol(connection);
  const carried = carryPackets(protocol, stream, receiver);
  connection.once("ready", () => carried.authenticated());
  connection.on("rekey", () => carried.exchanged());
  return carried.transport;
}

export interface CarriedPackets {
  readonly transport: PacketTransport;
  /** To be called when the peer has signed in, and after each key exchange but the first. */
  authenticated(): void;
  exchanged(): void;
}

/** The same for client and server. To be called when the peer's version line has arrived. */
export function carryPackets(
  protocol: PrivateProtocol,
  stream: Duplex,
  receiver: PacketReceiver,
): CarriedPackets {
  let isAuthenticated = false;
  let bytes = 0;
  /** What the queue of the current key exchange costs, in bytes of memory. */
  let queued = 0;
  let announcedExchange = false;
  const allowance = new KeyExchangeAllowance();
  let isPaused = false;
  /** A sender was told to wait because of many small messages; the stream will not report when those have left. */
  let owesDrain = false;
  const unsent = countUnsent(
    stream,
    () => {
      if (protocol._server && unsent.cost > MAX_UNREAD_BYTES) stream.destroy();
    },
    () => {
      if (!owesDrain || unsent.cost > HIGH_WATER_BYTES / 2) return;
      owesDrain = false;
      if (isAuthenticated) receiver.drain();
    },
  );
  paceParsing(protocol, stream, () => !isPaused);
  stream.on("drain", () => {
    if (isAuthenticated) receiver.drain();
  });
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    receiver.ended?.();
  };
  stream.once("end", end);
  stream.once("close", end);

  const noteExchange = () => {
    if (announcedExchange || !isAuthenticated || !isExchangingKeys(protocol)) return;
    announcedExchange = true;
    receiver.exchangingKeys?.(true);
  };

  const transport: PacketTransport = {
    get writable() {
      if (!isAlive(protocol) || isExchangingKeys(protocol)) return false;
      if (!stream.writable || stream.writableNeedDrain) return false;
      if (unsent.cost < HIGH_WATER_BYTES) return true;
      owesDrain = true;
      return false;
    },
    get exchangingKeys() {
      return isExchangingKeys(protocol);
    },
    get bytesSinceKeyExchange() {
      return bytes;
    },
    get waitingBytes() {
      return queued + unsent.cost;
    },
    get received() {
      // Counted already when it is handed over.
      return ((protocol._decipher?.inSeqno ?? 1) - 1) >>> 0;
    },
    get nextSent() {
      return protocol._cipher.outSeqno;
    },
    send(...parts) {
      if (!isAlive(protocol)) return;
      const size = sendMessage(protocol, parts, false);
      bytes += size;
      if (isExchangingKeys(protocol)) queued += size + WAITING_MESSAGE_BYTES;
      if (protocol._server && transport.waitingBytes > MAX_UNREAD_BYTES) transport.destroy();
    },
    pause() {
      isPaused = true;
      stream.pause();
    },
    resume() {
      isPaused = false;
      stream.resume();
    },
    disconnect(reason, description) {
      if (isAlive(protocol)) sendMessage(protocol, [disconnectMessage(reason, description)], true);
      stream.end();
    },
    destroy: () => void stream.destroy(),
    rekey() {
      // OpenSSH's client ends the connection on a key exchange in the middle of its sign-in.
      if (!isAuthenticated || !isAlive(protocol) || isExchangingKeys(protocol)) return;
      protocol.rekey();
      noteExchange();
    },
  };

  const toSsh2 = protocol._onPayload;
  protocol._onPayload = (payload) => {
    bytes += payload.length;
    const type = payload[0] ?? 0;
    if (type < MSG.globalRequest) {
      // ssh2 disconnects on these after authentication, OpenSSH ignores them (RFC 4252 §5.3).
      if (isAuthenticated && type >= MSG.userAuthRequest) {
        protocol._onPacket();
        return undefined;
      }
      // Each one is expensive for this side, and no known client starts a second one this early.
      if (type === MSG.kexInit && protocol._server && !isAuthenticated) {
        protocol._onPacket();
        transport.disconnect(DISCONNECT.protocolError, "A second key exchange before sign-in.");
        return undefined;
      }
      if (type === MSG.kexInit && !isExchangingKeys(protocol) && !allowance.take(bytes)) {
        const problem = new Error("Key exchanges follow each other too fast: raise RekeyLimit.");
        return fail(protocol, DISCONNECT.protocolError, problem);
      }
      if (isAuthenticated) reportTransportMessage(payload, receiver);
      else if (type === MSG.serviceRequest) receiver.serviceAsked?.();
      const result = toSsh2(payload);
      if (type === MSG.kexInit) noteExchange();
      return result;
    }
    protocol._onPacket();
    if (isAuthenticated) receiver.receive(payload);
    else transport.disconnect(DISCONNECT.protocolError, "Connection protocol before authentication.");
    return undefined;
  };
  acceptLargePackets(protocol, () => isAuthenticated);
  // Last, so that a KEXINIT passes it first.
  prepareKeyExchange(protocol, stream, () => receiver.keyExchangeBegun?.());
  return {
    transport,
    authenticated() {
      isAuthenticated = true;
    },
    exchanged() {
      bytes = 0;
      queued = 0;
      announcedExchange = false;
      receiver.exchangingKeys?.(false);
      receiver.drain();
    },
  };
}

/** Reports what a receiver may want to know of the transport protocol. ssh2 handles these messages as well. */
function reportTransportMessage(payload: Buffer, receiver: PacketReceiver): void {
  const type = payload[0];
  if (type !== MSG.disconnect && type !== MSG.unimplemented) return;
  try {
    const reader = new WireReader(payload, 1);
    if (type === MSG.unimplemented) receiver.unimplemented?.(reader.uint32());
    else receiver.disconnected?.(reader.uint32(), reader.string().toString("utf8").slice(0, 500));
  } catch (error) {
    // The message is cut off; ssh2 ends the connection because of it.
    if (!(error instanceof WireError)) throw error;
  }
}
