// One upterm host's SSH connection: sign-in, the registration of its session, the request for connections, and from then
// on the channels that the gateway opens to it. The session is gone with the connection.

import type { Logger } from "pino";
import { ProtocolError } from "../../protocol/errors.ts";
import {
  type ChannelRequest,
  Connection,
  type ConnectionOwner,
  type GlobalReply,
} from "../../protocol/ssh/connection.ts";
import {
  createKeyExchangeTimer,
  KEY_EXCHANGE_LIMITS,
  type KeyExchangeTimer,
} from "../../protocol/ssh/key-exchange-timer.ts";
import { MSG, OPEN_FAILURE } from "../../protocol/ssh/message-numbers.ts";
import { sessionIdOf as sshSessionIdOf } from "../../protocol/ssh/ssh2/session-id.ts";
import { refuseMessage, takeOverConnection } from "../../protocol/ssh/ssh2/transport.ts";
import { message, type WireReader } from "../../protocol/ssh/wire.ts";
import { formatPublicKey, parsePublicKey, type SshPublicKey } from "../../protocol/values/ssh-public-key.ts";
import type { AuditEvent } from "../directory.ts";
import type { UptermHostConnection } from "../ssh/upterm-front.ts";
import type { AllowedHosts } from "./allowed-hosts.ts";
import { createHostAuthentication } from "./host-authentication.ts";
import {
  type CreateSessionRequest,
  decodeCreateSessionRequest,
  encodeCreateSessionResponse,
  MessageError,
} from "./messages.ts";
import { derivedSessionId, isProven, newSessionId, type SessionId, sessionLabel } from "./session-id.ts";
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

/** Times in ms. */
export interface UptermHostLimits {
  readonly streamsPerSession: number;
  readonly openTimeout: number;
  /** A host that is silent for this long is asked for a sign of life, and given up after three times as long. */
  readonly keepalive: number;
}

export const UPTERM_HOST_LIMITS: UptermHostLimits = {
  streamsPerSession: 128,
  openTimeout: 10_000,
  keepalive: 30_000,
};

/** upterm's host knows this refusal by its text. */
const REFUSED_PROOF = "upterm: session proof refused";
const CLOSED = "this gateway takes upterm hosts only where it was started with --open or --host-keys-allowed";

/** To be called inside of ssh2's `connection` event. */
export function serveUptermHost(host: UptermHostConnection, context: UptermHostContext): void {
  new UptermHost(host, context);
}

class UptermHost implements ConnectionOwner {
  readonly #host: UptermHostConnection;
  readonly #context: UptermHostContext;
  readonly #connection: Connection;
  readonly #keyExchange: KeyExchangeTimer;
  readonly #heard = new Set<() => void>();
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
    this.#keepalive = setInterval(() => this.#checkLife(), context.limits.keepalive);
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
        // keepalive@openssh.com and whatever else: any answer is an answer (RFC 4254 §4).
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
      const request = decodeCreateSessionRequest(payload);
      const hostKeys = knownKeys(request.hostPublicKeys);
      if (hostKeys.length === 0) throw new SessionRefused("the request names no host key of a known kind");
      const { id, generation } = this.#identify(request, hostKeys);
      const link = new UptermLink({
        id,
        address,
        hostKeys: hostKeys.map((key) => formatPublicKey({ ...key, comment: "" })),
        carrier: {
          openChannel: (type, data) => this.#connection.open(type, data),
          probe: (ms) => this.#probe(ms),
          end: (reason) => this.#host.end(reason),
        },
        maxStreams: limits.streamsPerSession,
        openTimeout: limits.openTimeout,
      });
      const session = { id, generation, address, link, allowed: allowedKeys(request), ready: false };
      sessions.add(session);
      this.#session = session;
      this.#hasRegistered = true;
      return encodeCreateSessionResponse({
        sessionId: id,
        nodeAddress: nodeAddress(),
        // The id alone is a user name here; what other gateways put behind it would be ignored.
        sshUser: id,
        sessionKeyRedial: generation > 0n && allowed === undefined,
      });
    } catch (error) {
      if (!(error instanceof SessionRefused || error instanceof MessageError)) throw error;
      audit({ event: "upterm.refused", address, key: this.#fingerprint(), detail: error.message });
      return { refusal: error.message };
    }
  }

  /** @throws SessionRefused */
  #identify(
    request: CreateSessionRequest,
    hostKeys: readonly SshPublicKey[],
  ): { id: SessionId; generation: bigint } {
    const { identity } = request;
    if (identity === null) return { id: newSessionId(), generation: 0n };
    const [key] = hostKeys;
    const sshSessionId = sshSessionIdOf(this.#host.ssh2);
    // The id follows from one key: a second one would be a key that nobody has proved.
    if (
      key === undefined ||
      request.hostPublicKeys.length !== 1 ||
      sshSessionId === undefined ||
      !isProven(key, sshSessionId, identity)
    ) {
      throw new SessionRefused(REFUSED_PROOF);
    }
    return { id: derivedSessionId(key, identity.secret), generation: identity.generation };
  }

  /** The host takes connections from now on, for the session that it registered itself and no other. */
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
    if (silent >= 3 * this.#context.limits.keepalive) this.#host.end("Nothing was heard for too long.");
    else if (silent >= this.#context.limits.keepalive && this.#session?.ready === true) this.#ask();
  }

  /** Whatever the host answers shows that it lives. */
  #ask(): void {
    this.#connection.send(message(MSG.globalRequest, "keepalive@openssh.com", true));
  }

  #probe(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (alive: boolean): void => {
        clearTimeout(timer);
        this.#heard.delete(answered);
        resolve(alive);
      };
      const answered = (): void => done(true);
      const timer = setTimeout(() => done(false), ms);
      this.#heard.add(answered);
      this.#ask();
    });
  }

  #noteHeard(): void {
    this.#lastHeard = Date.now();
    for (const answered of [...this.#heard]) answered();
  }

  #fingerprint(): string | undefined {
    return this.#key === "" ? undefined : parsePublicKey(this.#key).fingerprint;
  }
}

/** Lines of other kinds, such as certificates from an agent, are left out: the host has a plain key beside them. */
function knownKeys(lines: readonly string[]): SshPublicKey[] {
  return lines.flatMap((line) => {
    try {
      const key = parsePublicKey(line);
      // Options mean something else than "this key".
      return key.options === "" ? [key] : [];
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return [];
    }
  });
}

/** @throws SessionRefused a list of keys of which none is understood must not come to mean "anyone" */
function allowedKeys(request: CreateSessionRequest): ReadonlySet<string> | "anyone" {
  if (request.clientAuthorizedKeys.length === 0) return "anyone";
  const blobs = new Set(knownKeys(request.clientAuthorizedKeys).map(({ blob }) => blob));
  if (blobs.size === 0) throw new SessionRefused("none of the keys that may join is of a known kind");
  return blobs;
}
