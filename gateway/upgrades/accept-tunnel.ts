// One tunnel from its request to its end. It can be ended from outside from the moment on that it was allowed, also
// while it waits for the host to dial back: a revocation must not be overtaken.

import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import { CLOSE, ProtocolError } from "../../protocol/errors.ts";
import { type DataSubprotocol, SUBPROTOCOL } from "../../protocol/values/gateway-url.ts";
import { atTime } from "../deadline.ts";
import type { AuditEvent, Directory } from "../directory.ts";
import type { LinkStream } from "../link/link.ts";
import type { LinkRegistry } from "../link/registry.ts";
import { holderOf, type OpenConnections, reachedWorkspace } from "../open-connections.ts";
import { close, type Splice, type SpliceEnd, type SpliceWatcher, splice } from "../splice/splice.ts";
import { spliceStream } from "../splice/splice-stream.ts";
import { authorizeTunnel, findTunnelLink, type TunnelGrant } from "./tunnel.ts";

export interface TunnelContext {
  readonly directory: Directory;
  readonly registry: LinkRegistry;
  readonly connections: OpenConnections;
  readonly onBytes: (direction: "in" | "out", count: number) => void;
}

/** A companion's request, which is not answered yet. */
export interface TunnelRequest {
  readonly request: IncomingMessage;
  readonly address: string;
  readonly offered: readonly DataSubprotocol[];
  /** Whether there is room for it to wait for a workspace that has just been cut off. */
  readonly mayWait: () => boolean;
  /** It may have its tunnel: it is not anybody any more. */
  readonly allowed: () => void;
  readonly upgrade: (subprotocol: DataSubprotocol) => Promise<WebSocket>;
}

/**
 * Checks the request, gets a stream from the workspace and joins it with the client's WebSocket, which `upgrade` makes
 * once everything else is there. Returns when the tunnel is open.
 * @throws ProtocolError
 */
export async function acceptTunnel(asked: TunnelRequest, context: TunnelContext): Promise<void> {
  const { request, address, offered, upgrade } = asked;
  const { directory, connections, registry } = context;
  const { tokenId, accountId, workspace } = await authorizeTunnel(request, directory);
  asked.allowed();
  let ended: string | undefined;
  let joined: Splice | undefined;
  let gone: AbortController | undefined = new AbortController();
  const patience = gone.signal;
  const left = (): void => gone?.abort();
  const reached = reachedWorkspace(workspace, undefined);
  const leave = connections.addStream({ accountId, tokenId, key: null, to: reached }, address, (message) => {
    ended ??= message;
    gone?.abort();
    joined?.close(CLOSE.refused, message);
  });
  // Nobody reads yet, and nothing comes before an answer: the end is seen all the same.
  for (const event of ["end", "close"]) request.socket.once(event, left);
  const requireOpen = (): void => {
    if (ended !== undefined)
      throw new ProtocolError("forbidden", `This connection is no longer allowed: ${ended}.`);
  };
  let stream: LinkStream | undefined;
  try {
    // Asked again, now that a revocation would be heard: one may have come while the first answer was on its way.
    const grant = await authorizeTunnel(request, directory);
    requireOpen();
    const resumes = offered.includes(SUBPROTOCOL.resume);
    const holder = holderOf({ accountId, to: reached }, address);
    const link = await findTunnelLink(grant, registry, asked.mayWait() ? patience : undefined, holder);
    reached.link = link;
    requireOpen();
    const client = { address, account: grant.accountName };
    stream = await link.openStream({ via: "tunnel", client, resume: resumes });
    requireOpen();
    const socket = await upgrade(requireOffered(subprotocolOf(stream), offered));
    joined = new Tunnel(socket, stream, { grant, address, leave, context });
    if (ended !== undefined) joined.close(CLOSE.refused, ended);
  } catch (error) {
    leave();
    if (stream?.kind === "web-socket") close(stream.socket, CLOSE.peerGone, "the client is not there");
    else stream?.stream.destroy();
    // Where it was ended from outside meanwhile, that is why.
    requireOpen();
    throw error;
  } finally {
    for (const event of ["end", "close"]) request.socket.off(event, left);
    // Ten thousand idle tunnels do without it.
    gone = undefined;
  }
}

/** What the host dialled back with is what the client gets: from there on the gateway only passes on. */
function subprotocolOf(stream: LinkStream): DataSubprotocol {
  return stream.kind === "web-socket" && stream.socket.protocol === SUBPROTOCOL.resume
    ? SUBPROTOCOL.resume
    : SUBPROTOCOL.raw;
}

function requireOffered(subprotocol: DataSubprotocol, offered: readonly DataSubprotocol[]): DataSubprotocol {
  if (offered.includes(subprotocol)) return subprotocol;
  throw new ProtocolError("unsupported_version", `This workspace speaks ${subprotocol} only.`);
}

/** One that is open, until both of its sides are closed. It keeps no more than it needs: thousands may be idle. */
class Tunnel implements Splice, SpliceWatcher {
  readonly #splice: Splice;
  readonly #context: TunnelContext;
  readonly #audited: Omit<AuditEvent, "event">;
  readonly #leave: () => void;
  readonly #stopWaiting: (() => void) | undefined;

  /** @param leave takes it from the list of what is open */
  constructor(
    client: WebSocket,
    host: LinkStream,
    options: { grant: TunnelGrant; address: string; leave: () => void; context: TunnelContext },
  ) {
    const { grant, address, leave, context } = options;
    const { accountName, tokenId, workspace, expiresAt } = grant;
    this.#context = context;
    this.#leave = leave;
    this.#audited = {
      account: accountName ?? undefined,
      workspace: workspace.id,
      token: tokenId ?? undefined,
      address,
    };
    this.#splice =
      host.kind === "web-socket"
        ? splice(client, host.socket, this)
        : spliceStream(client, host.stream, this);
    context.directory.audit({ event: "tunnel.opened", ...this.#audited });
    if (expiresAt === null) return;
    this.#stopWaiting = atTime(expiresAt, () => this.close(CLOSE.refused, "the owner token has expired"));
  }

  close(code: number, reason: string): void {
    this.#splice.close(code, reason);
  }

  moved(fromClient: number, fromHost: number): void {
    if (fromClient > 0) this.#context.onBytes("in", fromClient);
    if (fromHost > 0) this.#context.onBytes("out", fromHost);
  }

  ended({ bytesFromA, bytesFromB, durationMs }: SpliceEnd): void {
    this.#stopWaiting?.();
    this.#leave();
    this.#context.directory.audit({
      event: "tunnel.closed",
      ...this.#audited,
      bytesIn: bytesFromA,
      bytesOut: bytesFromB,
      durationMs,
    });
  }
}
