// Opens the stream that a jump goes to: to a workspace that the visitor may reach, while it is online and there is room.

import type { Duplex } from "node:stream";
import { ProtocolError } from "../../../protocol/errors.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { openHostStream, relink } from "../../link/host-stream.ts";
import { reachedWorkspace } from "../../open-connections.ts";
import type { ConnectionContext } from "../connection-context.ts";
import { reachableWorkspace, slotHolder } from "../sign-in/principal.ts";
import type { SignedInConnection } from "./signed-in-connection.ts";

export interface JumpStream {
  readonly stream: Duplex;
  /** Called as bytes move: from the client, to the client. */
  onBytes(fromClient: number, toClient: number): void;
  /** To be called with the way to end the channel; returns what to call once it has ended. */
  opened(close: () => void): () => void;
}

/**
 * @param over aborted once the visitor is gone
 * @throws ProtocolError bad_name, bad_id, workspace_unknown, workspace_offline, gateway_full, or Link.openStream's
 */
export async function openJumpStream(
  name: string,
  connection: SignedInConnection,
  context: ConnectionContext,
  over: AbortSignal,
): Promise<JumpStream> {
  const { directory, registry, metrics } = context;
  const workspace = await reachableWorkspace(directory, connection.principal, parseWorkspaceRef(name));
  const holder = slotHolder(workspace, connection.principal, connection.address);
  const link = await registry.findForClient(workspace.id, over, holder);
  if (link === undefined) {
    throw new ProtocolError("workspace_offline", `the workspace ${workspace.name} is offline`);
  }
  const reached = reachedWorkspace(workspace, link);
  let stream: Duplex | undefined;
  let ended: string | undefined;
  let close = (): void => {
    stream?.destroy();
  };
  // From here on a revocation is heard, also while the host takes its seconds to dial back.
  const leave = connection.openedStream(reached, (message) => {
    ended ??= message;
    close();
  });
  try {
    connection.lendKey(reached);
    const { address, account } = connection;
    const asked = { via: "jump", client: { address, account } } as const;
    stream = await openHostStream(link, asked, relink(registry, reached));
    stream.once("close", leave);
    // Asked again, now that a revocation would be heard: one may have come while the first answer was on its way.
    await reachableWorkspace(directory, connection.principal, { kind: "id", id: workspace.id });
    if (ended !== undefined) throw new ProtocolError("forbidden", `not allowed any longer: ${ended}`);
  } catch (error) {
    leave();
    stream?.destroy();
    throw error;
  }
  const bytes = { in: 0, out: 0 };
  return {
    stream,
    onBytes(fromClient, toClient) {
      bytes.in += fromClient;
      bytes.out += toClient;
      if (fromClient > 0) metrics.bytes("in", fromClient);
      if (toClient > 0) metrics.bytes("out", toClient);
    },
    opened(end) {
      close = end;
      const started = performance.now();
      connection.audit("ssh.forward.opened", { workspace: workspace.id });
      if (ended !== undefined) end();
      return () => {
        connection.audit("ssh.forward.closed", {
          workspace: workspace.id,
          bytesIn: bytes.in,
          bytesOut: bytes.out,
          durationMs: performance.now() - started,
        });
      };
    },
  };
}
