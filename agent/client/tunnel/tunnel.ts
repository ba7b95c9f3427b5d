// One tunnel: a WebSocket from this machine to the gateway, which splices it to a stream to the workspace's SSH server.
//
// The other side of the hand-off (extension/connect/hand-off.ts): ssh has started this program as its ProxyCommand. Its bytes
// come through stdio.ts and leave on this WebSocket.

import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import { CLOSE } from "../../../protocol/errors.ts";
import { backoff } from "../../../protocol/flow/backoff.ts";
import {
  type DataSubprotocol,
  type GatewayUrl,
  PATHS,
  WORKSPACE_HEADER,
} from "../../../protocol/values/gateway-url.ts";
import { formatWorkspaceRef, type WorkspaceRef } from "../../../protocol/values/name.ts";
import type { AccessToken } from "../../../protocol/values/token.ts";
import { CommandError } from "../../platform/command-error.ts";
import { dialWebSocket } from "../../platform/network/dial-web-socket.ts";
import type { Network } from "../../platform/network/network.ts";
import { isTokenRefused } from "../../platform/stage.ts";

export interface TunnelTarget {
  readonly gateway: GatewayUrl;
  readonly workspace: WorkspaceRef;
  /**
   * undefined: none is needed, because the id of an accountless workspace is its secret. A function is asked at each
   * connection, since the tunnel may last longer than an access token, and again with a token that the gateway refused.
   */
  readonly token: string | undefined | ((refused?: AccessToken) => Promise<AccessToken | undefined>);
  /** Proxies and trust. */
  readonly network?: Network | undefined;
}

/**
 * An open tunnel, paused. Its `protocol` is the subprotocol that gateway and host chose from those offered.
 * @throws CommandError with the stage and the gateway's own words
 */
export async function dialTunnel(
  target: TunnelTarget,
  subprotocols: readonly DataSubprotocol[],
  signal: AbortSignal,
): Promise<WebSocket> {
  const { token } = target;
  if (typeof token !== "function") return await dial(target, token, subprotocols, signal);
  const first = await token();
  try {
    return await dial(target, first, subprotocols, signal);
  } catch (error) {
    if (first === undefined || !isTokenRefused(error)) throw error;
    const next = await token(first);
    if (next === first) throw error;
    return await dial(target, next, subprotocols, signal);
  }
}

async function dial(
  { gateway, workspace, network }: TunnelTarget,
  token: string | undefined,
  subprotocols: readonly DataSubprotocol[],
  signal: AbortSignal,
): Promise<WebSocket> {
  try {
    return await dialWebSocket({
      gateway,
      path: PATHS.tunnel,
      subprotocols,
      token,
      headers: { [WORKSPACE_HEADER]: formatWorkspaceRef(workspace) },
      signal,
      network,
    });
  } catch (error) {
    throw token?.startsWith("spt_") === true ? withAdvice(error, gateway) : error;
  }
}

/** Where the gateway does not take the access token any more, the person has to sign in again. */
function withAdvice(error: unknown, gateway: GatewayUrl): unknown {
  if (!isTokenRefused(error)) return error;
  const message = `${error.message.replace(/\.$/, "")}: run \`sallyport login ${gateway}\` again.`;
  return new CommandError(error.stage, error.code, message, { cause: error });
}

/** Attempts at a first connection that the network cuts while it is made. */
const FIRST_TRIES = 4;

/**
 * The same for the first connection of a tunnel, which cannot be resumed yet: if it is cut while it is made, or its gateway is
 * about to stop, it is tried again, for a second or two.
 */
export async function dialFirst(
  target: TunnelTarget,
  subprotocols: readonly DataSubprotocol[],
  signal: AbortSignal,
): Promise<WebSocket> {
  for (let failures = 1; ; failures++) {
    try {
      return await dialTunnel(target, subprotocols, signal);
    } catch (error) {
      if (failures >= FIRST_TRIES || !isCut(error)) throw error;
      await delay(backoff(failures, Math.random()), undefined, { signal });
    }
  }
}

function isCut(error: unknown): boolean {
  if (!(error instanceof CommandError)) return false;
  const { cause } = error;
  const code = cause instanceof Error && "code" in cause ? cause.code : error.code;
  return code === "ECONNRESET" || code === "EPIPE" || code === "shutting_down";
}

/** The error to show for the gateway's close code; undefined if the tunnel ended normally. */
export function closeError(code: number, reason: string): CommandError | undefined {
  switch (code) {
    case CLOSE.normal:
      return undefined;
    case CLOSE.peerGone:
      return new CommandError("tunnel", "peer_gone", "the workspace's side of the connection ended");
    case CLOSE.refused:
      return new CommandError(
        "sign-in",
        "refused",
        `the gateway ended the connection: ${reason || "refused"}`,
      );
    case CLOSE.goingAway:
      return new CommandError(
        "tunnel",
        "going_away",
        `${reason || "the gateway is about to stop"}: connect again`,
      );
    default:
      return new CommandError(
        "tunnel",
        `CLOSED_${code}`,
        `the connection to the gateway was cut${reason === "" ? "" : `: ${reason}`} (${code})`,
      );
  }
}
