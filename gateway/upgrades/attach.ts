// The gateway's WebSocket side: takes upgrade requests of its HTTP server to the control connection, the dial-back and
// the tunnel, and bounds what strangers can hold open.

import type { IncomingMessage, Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { type WebSocket, WebSocketServer } from "ws";
import { parseTime, TIME_HEADER } from "../../protocol/clock.ts";
import { CLOSE, ProtocolError } from "../../protocol/errors.ts";
import type { Slot } from "../../protocol/fair-slots.ts";
import { MAX_CONTROL_BYTES, MAX_MESSAGE_BYTES } from "../../protocol/limits.ts";
import { addressBlock } from "../../protocol/values/address-block.ts";
import {
  type DataSubprotocol,
  type GatewayUrl,
  PATHS,
  SUBPROTOCOL,
} from "../../protocol/values/gateway-url.ts";
import type { SshAddress } from "../../protocol/values/host-name.ts";
import { bearerToken } from "../../protocol/values/token.ts";
import { paceWebSocket } from "../../protocol/web-socket/web-socket-pace.ts";
import type { Handover } from "../cluster/siblings.ts";
import type { Directory, Identity } from "../directory.ts";
import { followChange } from "../link/follow-change.ts";
import { NativeLink } from "../link/native-link.ts";
import type { PendingStreams } from "../link/pending-streams.ts";
import { type RegistrationContext, registerHost } from "../link/register.ts";
import type { LinkRegistry } from "../link/registry.ts";
import type { OpenConnections } from "../open-connections.ts";
import type { SshAcceptor } from "../ssh/upterm-front.ts";
import { carrySsh, isUptermRequest, readUptermRequest } from "../upterm/web-socket.ts";
import { acceptTunnel, type TunnelContext } from "./accept-tunnel.ts";
import { asRefusal, refuseUpgrade } from "./upgrade.ts";
import { Waiting } from "./waiting.ts";

export interface WebSocketContext {
  readonly server: Server | TlsServer;
  readonly directory: Directory;
  readonly registry: LinkRegistry;
  readonly pending: PendingStreams;
  /** Where other processes serve the same address: gives them the requests that are theirs. */
  readonly handover: Pick<Handover, "give"> | undefined;
  /** How many processes share the bounds on strangers. */
  readonly workers: number;
  readonly log: Logger;
  readonly metrics: TrafficMetrics;
  /** Failed sign-ins by address, shared with the HTTP API. */
  readonly throttle: SignInThrottle;
  /** authorized_keys form; ed25519 first. */
  readonly gatewayKeys: readonly string[];
  readonly publicUrl: () => GatewayUrl;
  readonly ssh: () => SshAddress | null;
  readonly clientAddress: (request: IncomingMessage) => string;
  /** Hosts may register without an account. */
  readonly allowAccountless: boolean;
  readonly connections: OpenConnections;
  /** For upterm's WebSockets; undefined where no SSH is served. */
  readonly sshServer: () => SshAcceptor | undefined;
}

export interface TrafficMetrics {
  refused(code: string): void;
  /** Bytes from clients (`in`) and to clients (`out`). */
  bytes(direction: "in" | "out", count: number): void;
}

export interface SignInThrottle {
  /** @throws ProtocolError rate_limited */
  check(address: string): void;
  failed(address: string): void;
}

/** Hosts without an account, online from one address. */
const MAX_OPEN_LINKS_PER_ADDRESS = 20;
const DRAIN_MS = 3_000;

export interface WebSockets {
  /** Tells hosts to go elsewhere, closes everything, settles within a few seconds. */
  close(): Promise<void>;
}

export function attachWebSockets(context: WebSocketContext): WebSockets {
  const { server, directory, registry, log, connections } = context;
  const { pending, handover } = context;
  const waiting = new Waiting(context.workers);
  const sockets = new Set<WebSocket>();
  let closing = false;

  const control = webSocketServer(SUBPROTOCOL.control, MAX_CONTROL_BYTES);
  control.on("headers", (headers) => headers.push(`${TIME_HEADER}: ${Date.now()}`));
  const data = {
    [SUBPROTOCOL.raw]: webSocketServer(SUBPROTOCOL.raw, MAX_MESSAGE_BYTES),
    [SUBPROTOCOL.resume]: webSocketServer(SUBPROTOCOL.resume, MAX_MESSAGE_BYTES),
  };
  const plain = webSocketServer(undefined, MAX_MESSAGE_BYTES);

  const registration = (): RegistrationContext => ({
    directory,
    registry,
    pending,
    gatewayKeys: context.gatewayKeys,
    publicUrl: context.publicUrl(),
    ssh: context.ssh(),
  });

  const tunnels: TunnelContext = {
    directory,
    registry,
    connections,
    onBytes: (direction, count) => context.metrics.bytes(direction, count),
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Until `ws` takes the socket over, an error on it belongs to a client that is gone anyway.
    const ignore = (): void => undefined;
    socket.on("error", ignore);
    const address = context.clientAddress(request);
    const done = (): void => {
      socket.off("error", ignore);
    };
    handle(request, socket, head, address, done).catch((error: unknown) => {
      const refusal = throttled(asRefusal(error), address);
      if (refusal.code === "internal") log.error({ err: refusal.cause }, "an upgrade failed");
      refused(request, refusal, address);
      refuseUpgrade(socket, refusal);
    });
  };

  const handle = async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    address: string,
    done: () => void,
  ): Promise<void> => {
    if (closing)
      throw new ProtocolError("shutting_down", "The gateway is about to stop; try again in a moment.");
    refuseBrowsers(request);
    if (handover?.give(request, socket, head) === true) return;
    const path = request.url?.split("?", 1)[0];
    if (path === PATHS.stream) {
      // Checked before the token is used up: a dial-back with the wrong subprotocol may be tried again.
      const [subprotocol] = dataSubprotocols(request);
      const waiter = pending.take(bearerToken(request.headers.authorization));
      try {
        waiter.resolve(await upgrade(data[subprotocol], request, socket, head, done));
      } catch (error) {
        waiter.reject(new ProtocolError("workspace_timeout", "The workspace failed to dial back."));
        throw error;
      }
      return;
    }
    const slot = waiting.enter(address, () => socket.destroy());
    try {
      if (path === PATHS.link) await acceptHost(request, socket, head, address, slot, done);
      else if (path === PATHS.tunnel) {
        const offered = dataSubprotocols(request);
        const upgradeTo = (chosen: DataSubprotocol) => upgrade(data[chosen], request, socket, head, done);
        const mayWait = () => waiting.hasRoom(address);
        const allowed = () => slot.moved();
        await acceptTunnel({ request, address, offered, mayWait, allowed, upgrade: upgradeTo }, tunnels);
      } else if (isUptermRequest(request)) await acceptUpterm(request, socket, head, address, done);
      else throw new ProtocolError("not_found", "There is no WebSocket at this path.");
    } finally {
      slot.leave();
    }
  };

  const acceptHost = async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    address: string,
    slot: Slot,
    done: () => void,
  ): Promise<void> => {
    if (!offers(request, SUBPROTOCOL.control)) throw unsupported(SUBPROTOCOL.control);
    // Before anything is waited for.
    const time = parseTime(request.headers[TIME_HEADER]);
    const clockAheadMs = time === undefined ? undefined : time - Date.now();
    const identity = await hostIdentity(request);
    if (identity !== null) slot.moved();
    const accepted = await upgrade(control, request, socket, head, done);
    try {
      const link = await registerHost(accepted, { identity, address, clockAheadMs }, registration());
      const account = identity?.account.name;
      directory.audit({ event: "link.registered", workspace: link.workspaceId, account, address });
      accepted.once("close", () => {
        const durationMs = Date.now() - link.since.getTime();
        directory.audit({ event: "link.closed", workspace: link.workspaceId, account, address, durationMs });
        directory
          .seen(link.workspaceId)
          .catch((err: unknown) => log.warn({ err }, "lastSeenAt was not written"));
      });
    } catch (error) {
      // The host has been told; what is left is the record of it.
      refused(request, asRefusal(error), address, identity?.account.name);
    }
  };

  const hostIdentity = async (request: IncomingMessage): Promise<Identity | null> => {
    if (request.headers.authorization === undefined) {
      if (context.allowAccountless) {
        const block = addressBlock(context.clientAddress(request));
        const held = [...registry.everywhere()].filter(
          (link) => link.credential === null && addressBlock(link.address) === block,
        );
        if (held.length >= MAX_OPEN_LINKS_PER_ADDRESS) {
          throw new ProtocolError(
            "rate_limited",
            "Too many hosts without an account are online from this address.",
          );
        }
        return null;
      }
      throw new ProtocolError(
        "registration_closed",
        "This gateway takes hosts of its accounts only: pass an access token (--token-file or SALLYPORT_TOKEN).",
      );
    }
    const bearer = bearerToken(request.headers.authorization);
    if (bearer === undefined)
      throw new ProtocolError("bad_token", "The Authorization header has no Bearer token.");
    const identity = await directory.authenticate(bearer);
    if (!identity.scopes.has("host")) {
      throw new ProtocolError(
        "scope_missing",
        "This access token may not register hosts: it lacks the scope host.",
      );
    }
    return identity;
  };

  const acceptUpterm = async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    address: string,
    done: () => void,
  ): Promise<void> => {
    const server = context.sshServer();
    if (server === undefined) throw new ProtocolError("not_found", "This gateway serves no SSH.");
    const asked = readUptermRequest(request);
    carrySsh(await upgrade(plain, request, socket, head, done), asked, address, server);
  };

  /** Whoever keeps failing to sign in is told to wait, whatever else was wrong; a good credential is never held up. */
  const throttled = (refusal: ProtocolError, address: string): ProtocolError => {
    if (refusal.status !== 401) return refusal;
    context.throttle.failed(address);
    try {
      context.throttle.check(address);
      return refusal;
    } catch (error) {
      return asRefusal(error);
    }
  };

  const refused = (
    request: IncomingMessage,
    refusal: ProtocolError,
    address: string,
    account?: string,
  ): void => {
    context.metrics.refused(refusal.code);
    // Its host asks every few seconds; the directory has written the line, once.
    if (refusal.code === "host_key_held") return;
    const path = request.url?.split("?", 1)[0]?.slice(0, 100);
    directory.audit({ event: "connection.refused", code: refusal.code, detail: path, address, account });
  };

  /** Apart from the requests: what listens for as long as a WebSocket lives must not keep its request as long. */
  const hold = (accepted: WebSocket): void => {
    sockets.add(accepted);
    accepted.on("error", failed).on("close", release);
  };
  const failed = (error: Error): void => log.debug({ message: error.message }, "a WebSocket failed");
  const release = function (this: WebSocket): void {
    sockets.delete(this);
  };

  /** An accepted WebSocket, paused. */
  const upgrade = (
    webSockets: WebSocketServer,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    done: () => void,
  ): Promise<WebSocket> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) {
        reject(new ProtocolError("bad_request", "The client left before it was answered."));
        return;
      }
      // `ws` answers a malformed handshake itself and then does not call back; the socket's end tells of it.
      const gone = (): void =>
        reject(new ProtocolError("bad_request", "The WebSocket handshake is malformed."));
      socket.once("close", gone);
      webSockets.handleUpgrade(request, socket, head, (accepted) => {
        // Nothing is read before somebody listens: bytes may have come together with the request.
        accepted.pause();
        paceWebSocket(accepted);
        socket.off("close", gone);
        done();
        hold(accepted);
        resolve(accepted);
      });
    });

  const unsubscribe = directory.onChange((change) => {
    followChange(change, directory, registry, connections).catch((err: unknown) =>
      log.error({ err }, "a change could not be followed"),
    );
  });
  server.on("upgrade", onUpgrade);

  return {
    async close() {
      closing = true;
      unsubscribe();
      for (const link of [...registry.all()]) {
        if (link instanceof NativeLink) link.goAway("the gateway is about to stop");
      }
      for (const socket of sockets) socket.close(CLOSE.goingAway, "the gateway is about to stop");
      await allClosed(sockets, DRAIN_MS);
      for (const socket of sockets) socket.terminate();
      server.off("upgrade", onUpgrade);
    },
  };
}

function webSocketServer(subprotocol: string | undefined, maxPayload: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    // Pings are answered at their pace.
    autoPong: false,
    maxPayload,
    handleProtocols: () => subprotocol ?? false,
  });
}

/**
 * No client of these paths is a page, and a page of another site could open them from a browser that stands inside of a
 * network. Programs send no Origin (RFC 6455 §10.2), upterm's neither.
 * @throws ProtocolError forbidden
 */
function refuseBrowsers(request: IncomingMessage): void {
  if (request.headers.origin === undefined) return;
  throw new ProtocolError("forbidden", "Web pages do not open connections here: this request has an Origin.");
}

function offers(request: IncomingMessage, subprotocol: string): boolean {
  const offered = request.headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim());
  return offered?.includes(subprotocol) === true;
}

/**
 * The subprotocols for bytes that this request offers, the best one first.
 * @throws ProtocolError unsupported_version: none that is spoken here
 */
function dataSubprotocols(request: IncomingMessage): [DataSubprotocol, ...DataSubprotocol[]] {
  const [best, ...others] = [SUBPROTOCOL.resume, SUBPROTOCOL.raw].filter((name) => offers(request, name));
  if (best === undefined) throw unsupported(SUBPROTOCOL.raw);
  return [best, ...others];
}

function unsupported(wanted: string): ProtocolError {
  return new ProtocolError("unsupported_version", `This path speaks the WebSocket subprotocol ${wanted}.`);
}

async function allClosed(sockets: ReadonlySet<WebSocket>, ms: number): Promise<void> {
  await Promise.race([
    Promise.all(
      [...sockets].map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()))),
    ),
    new Promise<void>((resolve) => setTimeout(resolve, ms).unref()),
  ]);
}
