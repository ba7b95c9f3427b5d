// Relays the SSH connection protocol between a client and a host, each on its own SSH transport. Messages
// from number 80 on are passed on unchanged in both directions. After sign-in, messages below 80 belong to
// the transport (RFC 4250 §4.1.2): key exchanges and IGNORE stay on their side, DISCONNECT ends both sides
// with the same reason, and UNIMPLEMENTED is passed on with the sequence number that the message had on the
// other side.
//
// A side is read only as fast as the other side takes its messages. A side that exchanges keys is read in any
// case: otherwise both sides could wait for each other for ever.

import { DISCONNECT, MSG } from "../../../protocol/ssh/message-numbers.ts";
import { unimplementedMessage } from "../../../protocol/ssh/ssh2/server-connection.ts";
import type { PacketReceiver, PacketTransport } from "../../../protocol/ssh/ssh2/transport.ts";
import { SideEnd } from "./side-end.ts";

/** How much may wait for one side while the other is read to finish its key exchange. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
const KEY_EXCHANGE_LIMIT_MS = 60_000;

export interface RelayEnd {
  /** Payload bytes from the client to the host (in) and from the host to the client (out). */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly reason: string;
}

interface RelayedSide {
  readonly transport: PacketTransport;
  /** Whether it answers `ping@openssh.com`. If not, the gateway answers for it. */
  readonly answersPing: boolean;
}

export class PacketRelay {
  readonly #client: Side;
  readonly #host: Side;
  /** Resolves once both sides have received what was sent to them, or can no longer be reached. */
  readonly ended: Promise<RelayEnd>;
  #reason: string | undefined;

  constructor(client: RelayedSide, host: RelayedSide) {
    const onEnd = (reason: string, code: number, text: string) => this.close(reason, code, text);
    this.#client = new Side("client", client, onEnd);
    this.#host = new Side("host", host, onEnd);
    this.#client.join(this.#host);
    this.#host.join(this.#client);
    this.ended = Promise.all([this.#client.gone, this.#host.gone]).then(() => ({
      bytesIn: this.#client.bytes,
      bytesOut: this.#host.bytes,
      reason: this.#reason ?? "",
    }));
  }

  /**
   * Receives the client's messages. `received` is the number of a message that has waited, on the client's
   * connection.
   */
  get client(): PacketReceiver & { receive(payload: Buffer, received?: number): void } {
    return this.#client;
  }

  get host(): PacketReceiver {
    return this.#host;
  }

  /** Ends both sides, after what was sent to them. `reason` is for the audit log, `text` for the peers. */
  close(reason: string, code: number = DISCONNECT.byApplication, text = reason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#client.end(code, text);
    this.#host.end(code, text);
  }
}

type OnEnd = (reason: string, code: number, text: string) => void;

/** One of the two sides. It receives that side's messages. */
class Side implements PacketReceiver {
  readonly #name: string;
  readonly #transport: PacketTransport;
  readonly #answersPing: boolean;
  readonly #onEnd: OnEnd;
  readonly #end: SideEnd;
  readonly #unknown = new UnknownMessages();
  #other: Side | undefined;
  #paused = false;
  #slowExchange: NodeJS.Timeout | undefined;
  /** Payload bytes received from this side. */
  bytes = 0;

  constructor(name: string, { transport, answersPing }: RelayedSide, onEnd: OnEnd) {
    this.#name = name;
    this.#transport = transport;
    this.#answersPing = answersPing;
    this.#onEnd = onEnd;
    this.#end = new SideEnd(transport);
  }

  /** Called once, before anything is received. */
  join(other: Side): void {
    this.#other = other;
  }

  /** Resolves when everything that was sent to this side has left, or cannot leave any more. */
  get gone(): Promise<void> {
    return this.#end.gone;
  }

  end(code: number, text: string): void {
    clearTimeout(this.#slowExchange);
    this.#end.begin(code, text);
  }

  /** @param received the message's number on its connection; by default, that of the last message received */
  receive(payload: Buffer, received = this.#transport.received): void {
    const other = this.#other;
    if (other === undefined || this.#end.begun) return;
    this.bytes += payload.length;
    if (payload[0] === MSG.ping && !other.#answersPing) {
      // The gateway has announced to the client that pings are answered (PROTOCOL §1.10), but this host does
      // not answer them.
      this.#transport.send(Buffer.from([MSG.pong]), payload.subarray(1));
      if (this.#transport.waitingBytes > MAX_WAITING_BYTES) {
        const reason = `the ${this.#name} does not read the answers to its pings`;
        this.#onEnd(reason, DISCONNECT.protocolError, reason);
      }
    } else {
      const { exchangingKeys, nextSent } = other.#transport;
      // During a key exchange messages wait, and get different numbers when they are sent.
      if (!exchangingKeys) other.#unknown.passed(payload[0] ?? 0, nextSent, received);
      other.#transport.send(payload);
    }
    this.#keepPace(other);
  }

  /** This side has room again, so the other side is read again. */
  drain(): void {
    this.#end.drain();
    const other = this.#other;
    if (other !== undefined) other.#keepPace(this);
  }

  exchangingKeys(begun: boolean): void {
    clearTimeout(this.#slowExchange);
    if (begun && !this.#end.begun) {
      this.#slowExchange = setTimeout(() => {
        const reason = `the ${this.#name} did not finish a key exchange`;
        this.#onEnd(reason, DISCONNECT.protocolError, reason);
      }, KEY_EXCHANGE_LIMIT_MS);
    }
    if (!begun) this.#end.drain();
    const other = this.#other;
    if (other !== undefined) this.#keepPace(other);
  }

  unimplemented(sequence: number): void {
    const theirs = this.#unknown.refused(sequence);
    const other = this.#other;
    if (theirs !== undefined && other !== undefined) other.#transport.send(unimplementedMessage(theirs));
  }

  disconnected(reason: number, description: string): void {
    this.#onEnd(`the ${this.#name} disconnected: ${description || `reason ${reason}`}`, reason, description);
  }

  ended(): void {
    clearTimeout(this.#slowExchange);
    this.#end.ended();
    const reason = `the ${this.#name} left`;
    this.#onEnd(reason, DISCONNECT.byApplication, reason);
  }

  /** Reads from this side, or stops reading, depending on what the other side can take. */
  #keepPace(to: Side): void {
    // After the end the rest is read and dropped. Unread bytes would turn the close into a reset, which loses
    // output.
    const stop =
      !this.#end.begun &&
      !to.#transport.writable &&
      !(this.#transport.exchangingKeys && to.#transport.waitingBytes < MAX_WAITING_BYTES);
    if (stop === this.#paused) return;
    this.#paused = stop;
    if (stop) this.#transport.pause();
    else this.#transport.resume();
  }
}

/** Messages passed on to a side that it may not know, with their numbers on both sides. */
class UnknownMessages {
  readonly #passed: { readonly sent: number; readonly received: number }[] = [];

  passed(type: number, sent: number, received: number): void {
    if (isKnown(type)) return;
    this.#passed.push({ sent, received });
    // A side that has refused none of them understands them.
    if (this.#passed.length > 64) this.#passed.shift();
  }

  /** The number with which the message was received that was sent as number `sent`. */
  refused(sent: number): number | undefined {
    const index = this.#passed.findIndex((message) => message.sent === sent);
    return index === -1 ? undefined : this.#passed.splice(index, 1)[0]?.received;
  }
}

const known: ReadonlySet<number> = new Set(Object.values(MSG));

function isKnown(type: number): boolean {
  return known.has(type);
}
