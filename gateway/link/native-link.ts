// The link of a Sallyport host: a WebSocket control connection that carries JSON messages. For each stream
// the host dials one WebSocket back, so streams never block each other and the kernel does the flow
// control. The host's answer arrives at gateway/upgrades/dial-back.ts.

import type { WebSocket } from "ws";
import { assertNever } from "../../protocol/assert-never.ts";
import {
  type GatewayMessage,
  type HostMessage,
  messageText,
  type PushedKey,
  parseHostMessage,
} from "../../protocol/control.ts";
import { CLOSE, type ErrorCode, ProtocolError } from "../../protocol/errors.ts";
import { ControlLine } from "../../protocol/flow/control-line.ts";
import { DEAD_AFTER_MS, PING_INTERVAL_MS } from "../../protocol/limits.ts";
import { clientAddressText } from "../../protocol/values/host-name.ts";
import type { WorkspaceId } from "../../protocol/values/id.ts";
import type { StreamToken } from "../../protocol/values/token.ts";
import { closeReason } from "../../protocol/web-socket/web-socket.ts";
import { fittingKeys } from "./fitting-keys.ts";
import type { LinkEnd, LinkStream, StreamRequest, WorkspaceLink } from "./link.ts";
import { Probes } from "./probes.ts";
import type { PendingStreams } from "./streams/pending-streams.ts";
import { Standby } from "./streams/standby.ts";
import { StreamSlots } from "./streams/stream-slots.ts";

interface NativeLinkOptions {
  readonly workspaceId: WorkspaceId;
  readonly address: string;
  readonly credential: WorkspaceLink["credential"];
  readonly hostKeys: readonly string[];
  readonly clockAheadMs: number | undefined;
  /** The accounts' keys that the host was told in `registered`. */
  readonly keys: readonly PushedKey[];
  /** The keys that are lent to the workspace. */
  readonly lent: () => readonly PushedKey[];
  readonly pending: PendingStreams;
  /** How many streams one workspace may have at once. */
  readonly maxStreams: number;
  /** How many of them other processes have. */
  readonly streamsElsewhere: () => number;
  readonly onStreams: () => void;
  /** Called once, when the link has ended. */
  readonly onEnd: (how: LinkEnd) => void;
}

/** A host answers what it is sent, and sends little by itself: a ping every 20 s. */
const LINE = { maxWaiting: 4 * 1024 * 1024, burst: 1_000, perSecond: 20 } as const;

/** A host that is stopped by its user says so in its close frame. */
const IN_GOOD_ORDER: ReadonlySet<number> = new Set([CLOSE.normal, CLOSE.goingAway]);

export class NativeLink implements WorkspaceLink {
  readonly since = new Date();
  readonly workspaceId: WorkspaceId;
  readonly address: string;
  readonly credential: WorkspaceLink["credential"];
  readonly hostKeys: readonly string[];
  readonly clockAheadMs: number | undefined;
  readonly #options: NativeLinkOptions;
  readonly #socket: WebSocket;
  readonly #line: ControlLine<GatewayMessage>;
  readonly #pings: NodeJS.Timeout;
  readonly #slots: StreamSlots;
  #keys: readonly PushedKey[];
  #lastHeard = Date.now();
  #end: LinkEnd | undefined;
  readonly #probes = new Probes();
  #standby: Standby | undefined;

  /** Takes over a control connection whose host has registered. */
  constructor(socket: WebSocket, options: NativeLinkOptions) {
    this.workspaceId = options.workspaceId;
    this.address = options.address;
    this.credential = options.credential;
    this.hostKeys = options.hostKeys;
    this.clockAheadMs = options.clockAheadMs;
    this.#options = options;
    const { maxStreams: limit, streamsElsewhere: elsewhere } = options;
    this.#slots = new StreamSlots({ limit, elsewhere, onChange: () => options.onStreams() });
    this.#keys = options.keys;
    this.#socket = socket;
    this.#line = new ControlLine(socket, LINE);
    socket.on("message", (data, isBinary) => {
      // A message that was read together with the one that ended the link.
      if (this.#end !== undefined) return;
      this.#lastHeard = Date.now();
      this.#receive(data, isBinary);
    });
    socket.on("close", (code) => this.#ended(IN_GOOD_ORDER.has(code) ? "left" : "cut"));
    socket.on("error", () => this.#ended("cut"));
    this.#pings = setInterval(() => {
      if (Date.now() - this.#lastHeard > DEAD_AFTER_MS) {
        this.#ended("cut");
        socket.terminate();
      } else {
        this.#send({ type: "ping" });
      }
    }, PING_INTERVAL_MS);
  }

  /** The host has dialled the next stream in advance. */
  get isWarm(): boolean {
    return this.#standby?.isReady === true;
  }

  /** Has the host dial streams in advance; to be called once the host knows that it is registered. */
  warm(): void {
    this.#standby = new Standby({
      ask: () => {
        const asked = this.#options.pending.create(this);
        this.#send({ type: "standby", stream: asked.token });
        return asked;
      },
    });
  }

  get streams(): number {
    return this.#slots.taken;
  }

  async openStream(request: StreamRequest): Promise<LinkStream> {
    if (this.#end !== undefined)
      throw new ProtocolError("workspace_offline", "The workspace went offline just now.");
    return await this.#slots.open(request, () => {
      // Uses the pre-dialled stream; raw clients are too rare to keep one for them.
      const warm = request.resume ? this.#standby?.take() : undefined;
      const { token, socket } = warm ?? this.#options.pending.create(this);
      this.askFor(token, request);
      return socket;
    });
  }

  /**
   * Asks the host to dial back with `token`. The process that waits for the stream has checked its bounds.
   */
  askFor(token: StreamToken, request: StreamRequest): void {
    const { via, resume } = request;
    this.#send({ type: "open", stream: token, via, client: clientOf(request), resume });
  }

  /** Replaces the accounts' keys at the host; lent keys stay. */
  sendKeys(keys: readonly PushedKey[]): void {
    this.#keys = keys;
    this.#send({ type: "keys", keys: fittingKeys([...this.#options.lent(), ...keys]) });
  }

  keysLent(): void {
    this.sendKeys(this.#keys);
  }

  goAway(reason: string): void {
    this.#send({ type: "goaway", reason: messageText(reason) });
  }

  probe(ms: number): Promise<boolean> {
    if (this.#end !== undefined) return Promise.resolve(false);
    return this.#probes.probe(ms, () => this.#send({ type: "ping" }));
  }

  close(code: ErrorCode, message: string): void {
    this.#send({ type: "error", code, message: messageText(message) });
    this.#socket.close(code === "fenced" ? CLOSE.fenced : CLOSE.refused, closeReason(code));
    // Such a host would go on sending, and may not react to the close frame either.
    if (code === "rate_limited") this.#line.hangUp();
    this.#ended("left");
  }

  /** Whatever a host sends can end no more than its own link. */
  #receive(data: unknown, isBinary: boolean): void {
    try {
      if (isBinary || !(data instanceof Uint8Array)) {
        throw new ProtocolError("bad_message", "Control messages must be text.");
      }
      this.#line.received(data.length);
      this.#handle(parseHostMessage(data.toString()));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.close(error.code, error.message);
    }
  }

  /** @throws ProtocolError a message that is not allowed here, or a malformed stream token */
  #handle(message: HostMessage): void {
    switch (message.type) {
      case "ping":
        this.#send({ type: "pong" });
        break;
      case "pong":
        this.#probes.answered();
        break;
      case "refuse":
        this.#options.pending.refuse(this, message.stream, "stream_refused", message.message);
        break;
      case "register":
        throw new ProtocolError("bad_message", "This connection is registered already.");
      default:
        assertNever(message);
    }
  }

  #send(message: GatewayMessage): void {
    // Bounded, so that a host that does not read cannot fill the gateway's memory.
    if (!this.#line.send(message)) this.#ended("cut");
  }

  #ended(how: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = how;
    clearInterval(this.#pings);
    this.#standby?.end();
    this.#options.pending.abandon(this);
    this.#options.onEnd(how);
  }
}

function clientOf(request: StreamRequest): { address: string; account: string | null } {
  return { address: clientAddressText(request.client.address), account: request.client.account };
}
