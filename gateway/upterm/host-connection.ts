// One upterm host's SSH connection: sign-in, the registration of its session, its request for connections,
// and then the channels that the gateway opens to it. The session ends with the connection.

import type { Logger } from "pino";
import { type ChannelRequest, Connection, type ConnectionOwner } from "../../protocol/ssh/connection.ts";
import type { GlobalReply } from "../../protocol/ssh/global-requests.ts";
import {
  createKeyExchangeTimer,
  KEY_EXCHANGE_LIMITS,
  type KeyExchangeTimer,
} from "../../protocol/ssh/key-exchange-timer.ts";
import { MSG, OPEN_FAILURE } from "../../protocol/ssh/message-numbers.ts";
import { refuseMessage } from "../../protocol/ssh/ssh2/server-connection.ts";
import { sessionIdOf as sshSessionIdOf } from "../../protocol/ssh/ssh2/session-id.ts";
import { takeOverConnection } from "../../protocol/ssh/ssh2/transport.ts";
import { message, type WireReader } from "../../protocol/ssh/wire.ts";
import { parsePublicKey } from "../../protocol/values/ssh-public-key.ts";
import type { AuditEvent } from "../directory.ts";
import { Probes } from "../link/probes.ts";
import type { UptermHostConnection } from "../ssh/upterm-front.ts";
import type { AllowedHosts } from "./allowed-hosts.ts";
import { createHostAuthentication } from "./host-authentication.ts";
import { encodeCreateSessionResponse, MessageError } from "./messages.ts";
import { sessionLabel } from "./session-id.ts";
import { readSessionRequest } from "./session-request.ts";
import { SessionRefused, type UptermSessionEntry, type UptermSessions } from "./sessions.ts";
import { UptermLink } from "./upterm-link.ts";

export interface UptermHostContext {
  readonly sessions: UptermSessions;
  /** undefined: a host with any key may register, if `allowAccountless`. */
  readonly allowed: AllowedHosts | undefined;
  readonly allowAccountless: boolean;
  /** `host:port`, which hosts show and send back; nothing is dialled by it. */
  readonly nodeAddress: () => string;
  readonly audit: (event: AuditEvent) => void;
  readonly log: Logger;
  readonly limits: UptermHostLimits;
}

interface UptermHostLimits {
  readonly streamsPerSession: number;
  readonly openTimeoutMs: number;
  /**
   * A host that is silent for this long is asked for an answer. After three times as long its connection is
   * ended.
   */
  readonly keepaliveMs: number;
}

export const UPTERM_HOST_LIMITS: UptermHostLimits = {
  streamsPerSession: 128,
  openTimeoutMs: 10_000,
  keepaliveMs: 30_000,
};

const CLOSED = "this gateway takes upterm hosts only where it was started with --open or --host-keys-allowed";

/** To be called within ssh2's `connection` event. */
export function serveUptermHost(host: UptermHostConnection, context: UptermHostContext): void {
  new UptermHost(host, context);
}

class UptermHost implements ConnectionOwner {
  readonly #host: UptermHostConnection;
  readonly #context: UptermHostContext;
  readonly #connection: Connection;
  readonly #keyExchange: KeyExchangeTimer;
  readonly #probes = new Probes();
  readonly #keepalive: NodeJS.Timeout;
  #lastHeard = Date.now();
  #key = "";
  #session: UptermSessionEntry | undefined;
  #hasRegistered = false;

  constructor(host: UptermHostConnection, context: UptermHostContext) {
    this.#host = host;
    this.#context = context;
    this.#connection = new Connection({
      warn: (text) => context.log.warn({ address: host.address }, `an upterm host: ${text}`),
    });
    const transport = takeOverConnection(host.ssh2, host.stream, {
      receive: (payload) => {
        this.#noteHeard();
        this.#keyExchange.moved();
        this.#connection.receive(payload);
      },
      drain: () => {
        this.#keyExchange.moved();
        this.#connection.drain();
      },
    });
    this.#keyExchange = createKeyExchangeTimer(transport, KEY_EXCHANGE_LIMITS);
    this.#connection.start(transport, this);
    this.#keepalive = setInterval(() => this.#checkLife(), context.limits.keepaliveMs);
    host.ssh2.on("error", (error) => {
      context.log.debug(
        { address: host.address, message: error.message },
        "an upterm host's connection failed",
      );
      host.end("The connection failed.");
    });
    host.ssh2.on("rekey", () => this.#keyExchange.exchanged());
    host.ssh2.on(
      "authentication",
      createHostAuthentication(context.allowed, {
        signedIn: (line) => {
          this.#key = line;
        },
        refused: () => host.refused(),
        tooMany: () => host.end("Too many authentication failures"),
        failed: (err) => context.log.error({ err }, "an upterm host's sign-in failed"),
      }),
    );
    if (host.closed.aborted) this.#closed();
    else host.closed.addEventListener("abort", () => this.#closed(), { once: true });
  }

  openChannel(request: ChannelRequest): void {
    request.refuse(OPEN_FAILURE.administrativelyProhibited, "an upterm host opens no channels");
  }

  globalRequest(name: string, data: WireReader): GlobalReply {
    switch (name) {
      case "upterm-create-session@upterm.dev":
        return this.#register(data.rest());
      case "streamlocal-forward@openssh.com":
        return this.#listen(data.text());
      case "cancel-streamlocal-forward@openssh.com":
        return this.#cancel(data.text());
      default:
        // keepalive@openssh.com and unknown requests: a refusal is an answer too (RFC 4254 §4).
        return false;
    }
  }

  refuseUnknown(): Uint8Array {
    return refuseMessage(this.#host.ssh2);
  }

  #register(payload: Buffer): GlobalReply {
    const { allowed, allowAccountless, sessions, nodeAddress, limits, audit } = this.#context;
    const { address } = this.#host;
    try {
      if (allowed === undefined && !allowAccountless) throw new SessionRefused(CLOSED);
      if (this.#hasRegistered) throw new SessionRefused("this connection has had its session");
      const request = readSessionRequest(payload, sshSessionIdOf(this.#host.ssh2));
      const { id, generation, hostKeys } = request;
      const link = new UptermLink({
        id,
        address,
        hostKeys,
        carrier: {
          openChannel: (type, data) => this.#connection.open(type, data),
          probe: (ms) => this.#probes.probe(ms, () => this.#ask()),
          end: (reason) => this.#host.end(reason),
        },
        maxStreams: limits.streamsPerSession,
        openTimeoutMs: limits.openTimeoutMs,
      });
      const session = { id, generation, address, link, allowed: request.allowed, ready: false };
      sessions.add(session);
      this.#session = session;
      this.#hasRegistered = true;
      return encodeCreateSessionResponse({
        sessionId: id,
        nodeAddress: nodeAddress(),
        // The id alone: other gateways put an address behind it, which this one ignores.
        sshUser: id,
        sessionKeyRedial: generation > 0n && allowed === undefined,
      });
    } catch (error) {
      if (!(error instanceof SessionRefused || error instanceof MessageError)) throw error;
      audit({ event: "upterm.refused", address, key: this.#fingerprint(), detail: error.message });
      return { refusal: error.message };
    }
  }

  /** The host takes connections from now on, only for the session that it registered itself. */
  #listen(path: string): GlobalReply {
    const session = this.#session;
    if (session === undefined || path !== session.id)
      return { refusal: "this connection has no such session" };
    if (!session.ready) {
      this.#context.sessions.open(session);
      this.#host.signedIn();
      this.#context.audit({
        event: "upterm.registered",
        workspace: sessionLabel(session.id),
        address: this.#host.address,
        key: this.#fingerprint(),
      });
    }
    return true;
  }

  #cancel(path: string): GlobalReply {
    const session = this.#session;
    if (session === undefined || path !== session.id)
      return { refusal: "this connection has no such session" };
    this.#endSession();
    return true;
  }

  #endSession(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    this.#context.sessions.remove(session);
    session.link.ended();
    if (!session.ready) return;
    this.#context.audit({
      event: "upterm.closed",
      workspace: sessionLabel(session.id),
      address: this.#host.address,
      durationMs: Date.now() - session.link.since.getTime(),
    });
  }

  #closed(): void {
    clearInterval(this.#keepalive);
    this.#keyExchange.stop();
    this.#endSession();
    this.#connection.close();
  }

  #checkLife(): void {
    const silent = Date.now() - this.#lastHeard;
    if (silent >= 3 * this.#context.limits.keepaliveMs) this.#host.end("Nothing was received for too long.");
    else if (silent >= this.#context.limits.keepaliveMs && this.#session?.ready === true) this.#ask();
  }

  /** Any answer shows that the host is alive. */
  #ask(): void {
    this.#connection.send(message(MSG.globalRequest, "keepalive@openssh.com", true));
  }

  #noteHeard(): void {
    this.#lastHeard = Date.now();
    this.#probes.answered();
  }

  #fingerprint(): string | undefined {
    return this.#key === "" ? undefined : parsePublicKey(this.#key).fingerprint;
  }
}
