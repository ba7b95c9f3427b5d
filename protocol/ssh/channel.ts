// One SSH channel as a Duplex: the peer's bytes are read from it, this side's are written to it. It keeps the windows of both
// directions (RFC 4254 §5.2) and ends in two ways: `end()` sends EOF and leaves the other direction open; `close()` and
// `destroy()` send CLOSE.

import { Duplex, Writable } from "node:stream";
import { printable } from "../values/printable.ts";
import { MSG, STDERR } from "./message-numbers.ts";
import { encode, message, TooLong, type WireReader } from "./wire.ts";

/** How many bytes the peer may send ahead of the reader: OpenSSH's own value. */
export const WINDOW = 2 * 1024 * 1024;
/** New channels get a smaller window while this many are open. */
const SMALLER_WINDOWS = [
  { from: 512, window: 64 * 1024 },
  { from: 64, window: 256 * 1024 },
] as const;
/** The largest data packet that is announced and sent, in bytes. RFC 4253 §6.1 requires at least 32 KiB. */
export const MAX_PACKET = 32 * 1024;
const BUFFERED_BYTES = 64 * 1024;

/**
 * The window of a channel that is opened while `open` others are open, in bytes. Channels that are opened late get less, which
 * bounds a connection's memory: 4,096 channels have less than 512 MiB together.
 */
export function windowFor(open: number): number {
  return SMALLER_WINDOWS.find(({ from }) => open >= from)?.window ?? WINDOW;
}

/** The part of a connection that a channel needs. */
export interface ChannelCarrier {
  readonly writable: boolean;
  send(...parts: readonly Uint8Array[]): void;
  /** Calls `channel.flush()` once the connection can take more. */
  waitForRoom(channel: Channel): void;
}

export interface ChannelNumbers {
  readonly local: number;
  readonly remote: number;
  /** How many bytes the peer accepts. */
  readonly window: number;
  /** How many bytes this side accepts; WINDOW if undefined. */
  readonly ownWindow?: number;
  readonly maxPacket: number;
}

interface Outgoing {
  data: Buffer;
  readonly stderr: boolean;
  readonly done: () => void;
}

/** Emits `gone` once the peer has closed the channel or the connection is lost: nothing that is written arrives then. */
export class Channel extends Duplex {
  readonly number: number;
  readonly stderr: Writable;
  /** Answers a channel request (RFC 4254 §5.4): true for success. If it is not set, every request fails. */
  onRequest: ((type: string, data: WireReader) => boolean) | undefined;
  readonly #carrier: ChannelCarrier;
  readonly #remote: number;
  readonly #maxPacket: number;
  readonly #queue: Outgoing[] = [];
  #sendWindow: number;
  readonly #window: number;
  #receiveWindow: number;
  #state: "open" | "close-sent" | "gone" = "open";
  #eofReceived = false;
  #statusSent = false;

  constructor(carrier: ChannelCarrier, numbers: ChannelNumbers) {
    const { ownWindow = WINDOW } = numbers;
    const highWaterMark = Math.min(BUFFERED_BYTES, ownWindow / 4);
    super({ highWaterMark, allowHalfOpen: true });
    this.#carrier = carrier;
    this.number = numbers.local;
    this.#remote = numbers.remote;
    this.#sendWindow = numbers.window;
    this.#window = ownWindow;
    this.#receiveWindow = ownWindow;
    this.#maxPacket = Math.min(numbers.maxPacket, MAX_PACKET);
    this.stderr = new Writable({
      highWaterMark,
      write: (data: Buffer, _encoding, done) => this.#enqueue(data, true, done),
    });
    // A channel reports its end by `gone` and `close`; an `error` without a listener must not end the process.
    this.on("error", () => this.destroy());
  }

  get isGone(): boolean {
    return this.#state === "gone";
  }

  /** Sends `exit-status` (RFC 4254 §6.10), once. */
  exit(code: number): void {
    if (!this.#statusSent) this.request("exit-status", encode(code));
    this.#statusSent = true;
  }

  /** Sends `exit-signal`; `name` is without SIG. */
  exitSignal(name: string, description: string): void {
    if (!this.#statusSent) this.request("exit-signal", encode(name, false, printable(description, 500), ""));
    this.#statusSent = true;
  }

  /** Sends a channel request without asking for a reply. */
  request(type: string, data: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#carrier.send(message(MSG.channelRequest, this.#remote, type, false), data);
  }

  /** Sends everything written so far, EOF and CLOSE. */
  close(): void {
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy()).end();
  }

  /** Resolves once everything that was written to the channel and to its stderr was sent, or never will be. */
  async flushed(): Promise<void> {
    await Promise.all([emptied(this), emptied(this.stderr)]);
  }

  // The connection calls the methods from here on.

  /** Returns false if it is more than the window allows, or came after EOF. */
  receiveData(data: Buffer): boolean {
    if (this.#state !== "open") return true;
    if (data.length > this.#receiveWindow || this.#eofReceived) return false;
    this.#receiveWindow -= data.length;
    if (this.destroyed) return true;
    this.push(data);
    this.#adjustWindow();
    return true;
  }

  receiveEof(): void {
    if (this.#eofReceived) return;
    this.#eofReceived = true;
    if (!this.destroyed) this.push(null);
  }

  /** Returns false if the window would exceed 2^32 - 1 (RFC 4254 §5.2). */
  receiveWindow(bytes: number): boolean {
    this.#sendWindow += bytes;
    if (this.#sendWindow > 0xffff_ffff) return false;
    this.flush();
    return true;
  }

  receiveRequest(type: string, wantReply: boolean, data: WireReader): void {
    const granted = this.#state === "open" && this.#grants(type, data);
    if (!wantReply || this.#state !== "open") return;
    this.#carrier.send(message(granted ? MSG.channelSuccess : MSG.channelFailure, this.#remote));
  }

  #grants(type: string, data: WireReader): boolean {
    try {
      return this.onRequest?.(type, data) ?? false;
    } catch (error) {
      if (!(error instanceof TooLong)) throw error;
      return false;
    }
  }

  /** The peer's CLOSE, or the end of the connection. What the peer sent before can still be read. */
  receiveClose(): void {
    if (this.#state === "gone") return;
    if (this.#state === "open") this.#carrier.send(message(MSG.channelClose, this.#remote));
    this.#state = "gone";
    this.receiveEof();
    for (const { done } of this.#queue.splice(0)) done();
    this.emit("gone");
  }

  /** Sends as much as the window and the connection allow. */
  flush(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (!this.#carrier.writable) {
        this.#carrier.waitForRoom(this);
        return;
      }
      if (next.data.length > 0 && this.#sendWindow === 0) return;
      const size = Math.min(next.data.length, this.#sendWindow, this.#maxPacket);
      if (size > 0) this.#sendData(next.data.subarray(0, size), next.stderr);
      next.data = next.data.subarray(size);
      if (next.data.length === 0) this.#queue.shift()?.done();
    }
  }

  override _read(): void {
    // receiveData() pushes the data; read() gives the room back.
  }

  override read(size?: number): unknown {
    const data: unknown = super.read(size);
    this.#adjustWindow();
    return data;
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#enqueue(data, false, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#state === "open") this.#carrier.send(message(MSG.channelEof, this.#remote));
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#state === "open") {
      this.#state = "close-sent";
      this.#carrier.send(message(MSG.channelClose, this.#remote));
    }
    for (const { done: sent } of this.#queue.splice(0)) sent();
    this.stderr.destroy();
    done(error);
  }

  #enqueue(data: Buffer, stderr: boolean, done: () => void): void {
    // Once the peer is gone, writes succeed without effect; `gone` has told their owners.
    if (this.#state !== "open") {
      done();
      return;
    }
    this.#queue.push({ data, stderr, done });
    if (this.#queue.length === 1) this.flush();
  }

  #sendData(data: Buffer, stderr: boolean): void {
    this.#sendWindow -= data.length;
    const head = Buffer.allocUnsafe(stderr ? 13 : 9);
    head[0] = stderr ? MSG.channelExtendedData : MSG.channelData;
    head.writeUInt32BE(this.#remote, 1);
    if (stderr) head.writeUInt32BE(STDERR, 5);
    head.writeUInt32BE(data.length, head.length - 4);
    this.#carrier.send(head, data);
  }

  /** Gives room back to the peer for what was read, in steps of half a window. */
  #adjustWindow(): void {
    if (this.#state !== "open" || this.#eofReceived) return;
    const free = this.#window - this.#receiveWindow - this.readableLength;
    if (free < this.#window / 2) return;
    this.#receiveWindow += free;
    this.#carrier.send(message(MSG.channelWindowAdjust, this.#remote, free));
  }
}

function emptied(stream: Writable): Promise<void> {
  if (stream.destroyed || stream.writableEnded) return Promise.resolve();
  return new Promise((resolve) => {
    stream.write(Buffer.alloc(0), () => resolve());
  });
}
