// The path /tunnel: one companion's tunnel from its request to its end. It can be ended from outside as soon
// as it is allowed, also while it waits for the host to dial back, so that no revocation comes too early to
// be noticed.

import type { WebSocket } from "ws";
import { CLOSE, ProtocolError } from "../../protocol/errors.ts";
import type { Slot } from "../../protocol/flow/fair-slots.ts";
import { type DataSubprotocol, SUBPROTOCOL } from "../../protocol/values/gateway-url.ts";
import { atTime } from "../deadline.ts";
import type { AuditEvent } from "../directory.ts";
import type { LinkStream } from "../link/link.ts";
import { holderOf, reachedWorkspace } from "../open-connections.ts";
import { close, type Splice, type SpliceEnd, type SpliceWatcher, splice } from "../splice/splice.ts";
import { spliceStream } from "../splice/splice-stream.ts";
import type { UpgradeContext } from "./context.ts";
import { authorizeTunnel, findTunnelLink, type TunnelGrant } from "./tunnel-access.ts";
import type { Upgrade } from "./upgrade.ts";

/**
 * Checks the request, gets a stream from the workspace, and only then accepts the upgrade and joins the two.
 * Settles when the tunnel is open. None of its closures may hold the upgrade: they live as long as the
 * tunnel.
 * @throws ProtocolError
 */
export async function acceptTunnel(upgrade: Upgrade, slot: Slot, context: UpgradeContext): Promise<void> {
  const { request, address } = upgrade;
  const { directory, connections, registry, pendingUpgrades, webSockets } = context;
  const offered = upgrade.dataSubprotocols();
  const { tokenId, accountId, workspace } = await authorizeTunnel(upgrade, directory);
  slot.moved();
  let ended: string | undefined;
  let joined: Splice | undefined;
  let clientGone: AbortController | undefined = new AbortController();
  const { signal } = clientGone;
  const left = (): void => clientGone?.abort();
  const reached = reachedWorkspace(workspace, undefined);
  const leave = connections.addStream(
    { accountId, tokenId, key: null, to: reached },
    { how: "tunnel", address },
    (message) => {
      ended ??= message;
      clientGone?.abort();
      joined?.close(CLOSE.refused, message);
    },
  );
  // The socket is not read before it is answered, but its end is noticed all the same.
  for (const event of ["end", "close"]) request.socket.once(event, left);
  const requireOpen = (): void => {
    if (ended !== undefined)
      throw new ProtocolError("forbidden", `This connection is no longer allowed: ${ended}.`);
  };
  let stream: LinkStream | undefined;
  try {
    // Checked again, now that a revocation would be noticed: one may have come during the first check.
    const grant = await authorizeTunnel(upgrade, directory);
    requireOpen();
    const resume = offered.includes(SUBPROTOCOL.resume);
    const holder = holderOf({ accountId, to: reached }, address);
    const patience = pendingUpgrades.hasRoom(address) ? signal : undefined;
    const link = await findTunnelLink(grant, registry, patience, holder);
    reached.link = link;
    requireOpen();
    const client = { address, account: grant.accountName };
    stream = await link.openStream({ via: "tunnel", client, resume });
    requireOpen();
    const socket = await webSockets.accept(upgrade, requireOffered(subprotocolOf(stream), offered));
    joined = new Tunnel(socket, stream, { grant, address, leave, context });
    if (ended !== undefined) joined.close(CLOSE.refused, ended);
  } catch (error) {
    leave();
    if (stream?.kind === "web-socket") close(stream.socket, CLOSE.peerGone, "the client is not there");
    else stream?.stream.destroy();
    // Where it was ended from outside, that is the reason to tell.
    requireOpen();
    throw error;
  } finally {
    for (const event of ["end", "close"]) request.socket.off(event, left);
    // Not needed any more: ten thousand idle tunnels save its memory.
    clientGone = undefined;
  }
}

/**
 * The client gets the subprotocol that the host dialled back with: the gateway only passes on what they send.
 */
function subprotocolOf(stream: LinkStream): DataSubprotocol {
  return stream.kind === "web-socket" && stream.socket.protocol === SUBPROTOCOL.resume
    ? SUBPROTOCOL.resume
    : SUBPROTOCOL.raw;
}

function requireOffered(subprotocol: DataSubprotocol, offered: readonly DataSubprotocol[]): DataSubprotocol {
  if (offered.includes(subprotocol)) return subprotocol;
  throw new ProtocolError("unsupported_version", `This workspace speaks ${subprotocol} only.`);
}

/**
 * An open tunnel, until both of its sides are closed. It keeps no more than it needs: thousands may be idle.
 */
class Tunnel implements Splice, SpliceWatcher {
  readonly #splice: Splice;
  readonly #context: UpgradeContext;
  readonly #audited: Omit<AuditEvent, "event">;
  readonly #leave: () => void;
  readonly #cancelExpiry: (() => void) | undefined;

  /** @param options.leave removes it from the open connections */
  constructor(
    client: WebSocket,
    host: LinkStream,
    options: { grant: TunnelGrant; address: string; leave: () => void; context: UpgradeContext },
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
    this.#cancelExpiry = atTime(expiresAt, () => this.close(CLOSE.refused, "the owner token has expired"));
  }

  close(code: number, reason: string): void {
    this.#splice.close(code, reason);
  }

  moved(fromClient: number, fromHost: number): void {
    if (fromClient > 0) this.#context.metrics.bytes("in", fromClient);
    if (fromHost > 0) this.#context.metrics.bytes("out", fromHost);
  }

  ended({ bytesFromA, bytesFromB, durationMs }: SpliceEnd): void {
    this.#cancelExpiry?.();
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
