// The connection protocol (RFC 4254) of one authenticated connection: channels and global requests, between ssh2's packets
// below and sessions and forwards above. It counts and limits everything that a peer can ask for. The
// messages share the table of channels, so they are handled in one class.

import { LAST_WORDS_MS } from "../flow/end-then-destroy.ts";
import { printable } from "../values/printable.ts";
import { Channel, type ChannelCarrier, MAX_PACKET, windowFor } from "./channel.ts";
import { type GlobalReply, GlobalRequests } from "./global-requests.ts";
import { DISCONNECT, MSG, OPEN_FAILURE } from "./message-numbers.ts";
import type { PacketReceiver, PacketTransport } from "./ssh2/transport.ts";
import { message, TooLong, WireError, WireReader } from "./wire.ts";

/** How many channels a connection may have, including those being opened, unless its owner sets a different number. */
export const MAX_CHANNELS = 256;
/**
 * How much may wait for a peer that does not read, in bytes of memory. Channels stop sending far below this, so what waits are
 * answers.
 */
const MAX_UNREAD_BYTES = 2 * 1024 * 1024;

/** Where breaches of the protocol are logged. */
export interface ConnectionLog {
  warn(message: string): void;
}

/** The peer asks for a channel. Its owner gives exactly one of the two answers, now or later. */
export interface ChannelRequest {
  readonly type: string;
  /** The rest of CHANNEL_OPEN, which depends on the type. */
  readonly data: WireReader;
  /** Returns undefined if the connection has ended in the meantime. */
  accept(): Channel | undefined;
  refuse(reason: number, description: string): void;
}

export interface ConnectionOwner {
  openChannel(request: ChannelRequest): void;
  globalRequest(name: string, data: WireReader): GlobalReply | Promise<GlobalReply>;
  refuseUnknown(): Uint8Array;
}

/** A channel that this side asked for was not opened. */
class ChannelRefused extends Error {
  override readonly name = "ChannelRefused";
}

interface Opening {
  readonly ownWindow: number;
  resolve(channel: Channel): void;
  reject(error: ChannelRefused): void;
}
type Entry = Channel | Opening | "reserved";

export class Connection implements PacketReceiver, ChannelCarrier {
  readonly #channels = new Map<number, Entry>();
  readonly #waiting = new Set<Channel>();
  readonly #log: ConnectionLog;
  readonly #maxChannels: number;
  #transport: PacketTransport | undefined;
  #owner: ConnectionOwner | undefined;
  #next = 0;
  readonly #globalRequests = new GlobalRequests({
    answer: (name, data) => this.#owner?.globalRequest(name, data) ?? false,
    send: (...parts) => this.send(...parts),
    fail: (description) => this.#fail(description),
  });
  #closed = false;

  constructor(log: ConnectionLog, maxChannels = MAX_CHANNELS) {
    this.#log = log;
    this.#maxChannels = maxChannels;
  }

  /** Called once, before anything is received. */
  start(transport: PacketTransport, owner: ConnectionOwner): void {
    this.#transport = transport;
    this.#owner = owner;
  }

  get writable(): boolean {
    return this.#transport?.writable === true;
  }

  send(...parts: readonly Uint8Array[]): void {
    this.#transport?.send(...parts);
  }

  waitForRoom(channel: Channel): void {
    this.#waiting.add(channel);
  }

  drain(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const channel of waiting) channel.flush();
  }

  /**
   * Opens a channel to the peer.
   * @throws ChannelRefused by the peer, by the limit, or by the end of the connection
   */
  open(type: string, data: Uint8Array): Promise<Channel> {
    if (this.#closed) return Promise.reject(new ChannelRefused("The connection has ended."));
    const number = this.#reserve();
    if (number === undefined) return Promise.reject(new ChannelRefused("Too many channels are open."));
    const ownWindow = windowFor(this.#channels.size);
    return new Promise((resolve, reject) => {
      this.#channels.set(number, { ownWindow, resolve, reject });
      this.send(message(MSG.channelOpen, type, number, ownWindow, MAX_PACKET), data);
    });
  }

  /** The connection was lost or ends: every channel is gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const entries = [...this.#channels.values()];
    this.#channels.clear();
    this.#waiting.clear();
    for (const entry of entries) {
      if (entry instanceof Channel) entry.receiveClose();
      else if (entry !== "reserved") entry.reject(new ChannelRefused("The connection has ended."));
    }
  }

  receive(payload: Buffer): void {
    if (this.#closed) return;
    try {
      if ((this.#transport?.waitingBytes ?? 0) > MAX_UNREAD_BYTES) {
        this.#fail("Too many answers are not read.");
        return;
      }
      this.#dispatch(payload[0] ?? 0, new WireReader(payload, 1));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#fail(error.message);
    }
  }

  #dispatch(type: number, data: WireReader): void {
    switch (type) {
      case MSG.channelData:
        this.#receiveData(data);
        return;
      case MSG.channelWindowAdjust: {
        const channel = this.#channel(data.uint32());
        if (channel?.receiveWindow(data.uint32()) === false) this.#fail("A window beyond 2^32 - 1.");
        return;
      }
      case MSG.channelExtendedData:
        // A client has no stderr (RFC 4254 §5.2); it still counts against the window.
        this.#breach(data.uint32(), "sent extended data");
        return;
      case MSG.channelEof:
        this.#channel(data.uint32())?.receiveEof();
        return;
      case MSG.channelClose: {
        const number = data.uint32();
        const channel = this.#channel(number);
        if (channel !== undefined) this.#channels.delete(number);
        channel?.receiveClose();
        return;
      }
      case MSG.channelRequest: {
        const channel = this.#channel(data.uint32());
        const name = data.text(128);
        channel?.receiveRequest(name, data.boolean(), data);
        return;
      }
      case MSG.channelOpen:
        this.#receiveOpen(data);
        return;
      case MSG.channelOpenConfirmation:
        this.#receiveConfirmation(data);
        return;
      case MSG.channelOpenFailure:
        this.#receiveFailure(data);
        return;
      case MSG.globalRequest:
        this.#globalRequests.receive(data);
        return;
      case MSG.requestSuccess:
      case MSG.requestFailure:
      case MSG.channelSuccess:
      case MSG.channelFailure:
        // Answers to this side's keepalives; they only show that the peer is alive. Its channel requests ask for no reply.
        return;
      case MSG.ping:
        this.send(message(MSG.pong, data.string()));
        return;
      default:
        if (this.#owner !== undefined) this.send(this.#owner.refuseUnknown());
    }
  }

  #receiveData(data: WireReader): void {
    const number = data.uint32();
    const bytes = data.string();
    const channel = this.#channel(number);
    if (channel === undefined) return;
    if (bytes.length > MAX_PACKET) this.#breach(number, `sent a packet of ${bytes.length} bytes`);
    else if (!channel.receiveData(bytes)) this.#breach(number, "sent more than its window allows");
  }

  /** Closes a channel whose limits the peer has ignored. */
  #breach(number: number, what: string): void {
    const channel = this.#channel(number);
    if (channel === undefined || channel.destroyed) return;
    this.#log.warn(`channel ${number} is closed: the client ${what}`);
    channel.destroy();
    channel.emit("gone");
  }

  #receiveOpen(data: WireReader): void {
    const type = data.text(128);
    const remote = data.uint32();
    const window = data.uint32();
    const maxPacket = data.uint32();
    const refuse = (reason: number, description: string) =>
      // ssh shows the text, and does not remove a bell character from it.
      this.send(message(MSG.channelOpenFailure, remote, reason, printable(description, 500), ""));
    const number = maxPacket < 256 ? undefined : this.#reserve();
    if (number === undefined) {
      refuse(OPEN_FAILURE.resourceShortage, "too many channels");
      return;
    }
    let answered = false;
    const once = () => {
      const first = !answered && !this.#closed;
      answered = true;
      return first;
    };
    const request: ChannelRequest = {
      type,
      data,
      accept: () => {
        if (!once()) return undefined;
        const ownWindow = windowFor(this.#channels.size);
        const channel = new Channel(this, { local: number, remote, window, ownWindow, maxPacket });
        this.#channels.set(number, channel);
        this.send(message(MSG.channelOpenConfirmation, remote, number, ownWindow, MAX_PACKET));
        return channel;
      },
      refuse: (reason, description) => {
        if (!once()) return;
        this.#channels.delete(number);
        refuse(reason, description);
      },
    };
    try {
      this.#owner?.openChannel(request);
    } catch (error) {
      if (!(error instanceof TooLong)) throw error;
      request.refuse(OPEN_FAILURE.connectFailed, error.message);
    }
  }

  #receiveConfirmation(data: WireReader): void {
    const local = data.uint32();
    const numbers = { local, remote: data.uint32(), window: data.uint32(), maxPacket: data.uint32() };
    const opening = this.#opening(local, "Confirms");
    if (numbers.maxPacket < 256) throw new WireError("Packets of less than 256 bytes.");
    const channel = new Channel(this, { ...numbers, ownWindow: opening.ownWindow });
    this.#channels.set(local, channel);
    opening.resolve(channel);
  }

  #receiveFailure(data: WireReader): void {
    const local = data.uint32();
    const reason = data.uint32();
    const opening = this.#opening(local, "Refuses");
    this.#channels.delete(local);
    opening.reject(new ChannelRefused(`The client refused the channel (reason ${reason}).`));
  }

  #opening(number: number, verb: string): Opening {
    const entry = this.#channels.get(number);
    if (typeof entry === "object" && !(entry instanceof Channel)) return entry;
    throw new WireError(`${verb} a channel that was not asked for.`);
  }

  #channel(number: number): Channel | undefined {
    const entry = this.#channels.get(number);
    return entry instanceof Channel ? entry : undefined;
  }

  #reserve(): number | undefined {
    if (this.#channels.size >= this.#maxChannels) return undefined;
    while (this.#channels.has(this.#next)) this.#next = (this.#next + 1) >>> 0;
    const number = this.#next;
    this.#next = (this.#next + 1) >>> 0;
    this.#channels.set(number, "reserved");
    return number;
  }

  #fail(description: string): void {
    this.#log.warn(`connection ended: ${description}`);
    const transport = this.#transport;
    transport?.disconnect(DISCONNECT.protocolError, description);
    this.close();
    // A peer that does not read would keep the stream.
    setTimeout(() => transport?.destroy(), LAST_WORDS_MS).unref();
  }
}
