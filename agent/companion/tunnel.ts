// One tunnel: the WebSocket from this machine to the gateway that ends at a workspace's SSH server.

import type { WebSocket } from "ws";
import { CLOSE } from "../../protocol/errors.ts";
import {
  type DataSubprotocol,
  type GatewayUrl,
  PATHS,
  WORKSPACE_HEADER,
} from "../../protocol/gateway-url.ts";
import { formatWorkspaceRef, type WorkspaceRef } from "../../protocol/name.ts";
import { CommandError } from "../command.ts";
import { dialWebSocket } from "../network/dial-web-socket.ts";

export interface TunnelTarget {
  readonly gateway: GatewayUrl;
  readonly workspace: WorkspaceRef;
  /** undefined: none is needed, the workspace's id is the secret. */
  readonly token: string | undefined;
}

/**
 * An open tunnel, paused; its `protocol` says which subprotocol gateway and workspace have chosen of those offered.
 * @throws CommandError with the stage and the gateway's own words
 */
export async function dialTunnel(
  target: TunnelTarget,
  subprotocols: readonly DataSubprotocol[],
  signal: AbortSignal,
): Promise<WebSocket> {
  return await dialWebSocket({
    gateway: target.gateway,
    path: PATHS.tunnel,
    subprotocols,
    token: target.token,
    headers: { [WORKSPACE_HEADER]: formatWorkspaceRef(target.workspace) },
    signal,
  });
}

/** What a close code of the gateway means to a person; undefined where the tunnel simply ended. */
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
