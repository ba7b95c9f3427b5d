// Opens the stream of a jump: to a workspace that the principal may reach, if it is online and there is a
// slot for the stream.

import type { Duplex } from "node:stream";
import { ProtocolError } from "../../../protocol/errors.ts";
import { parseWorkspaceRef } from "../../../protocol/values/name.ts";
import { requireUnfrozen } from "../../link/frozen.ts";
import { openHostStream, relink } from "../../link/streams/host-stream.ts";
import { reachedWorkspace } from "../../open-connections.ts";
import type { ConnectionContext } from "../connection-context.ts";
import { reachableWorkspace, slotHolder } from "../sign-in/principal.ts";
import type { SignedInConnection } from "./signed-in-connection.ts";

export interface JumpStream {
  readonly stream: Duplex;
  /** Called as bytes move: from the client, to the client. */
  onBytes(fromClient: number, toClient: number): void;
  /**
   * To be called with a function that ends the channel. Returns a function to call once the channel has
   * ended.
   */
  opened(close: () => void): () => void;
}

/**
 * @param over aborted once the client has left
 * @throws ProtocolError bad_name, bad_id, workspace_unknown, frozen, workspace_offline, gateway_full, or
 *   Link.openStream's
 */
export async function openJumpStream(
  name: string,
  connection: SignedInConnection,
  context: ConnectionContext,
  over: AbortSignal,
): Promise<JumpStream> {
  const { directory, registry, metrics } = context;
  const workspace = await reachableWorkspace(directory, connection.principal, parseWorkspaceRef(name));
  requireUnfrozen(workspace);
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
  // From here on a revocation ends the stream, even while the host takes seconds to dial back.
  const leave = connection.openedStream(reached, "jump", (message) => {
    ended ??= message;
    close();
  });
  try {
    connection.lendKey(reached);
    const { address, account } = connection;
    const asked = { via: "jump", client: { address, account } } as const;
    stream = await openHostStream(link, asked, relink(registry, reached));
    stream.once("close", leave);
    // Checked again, now that a revocation would end the stream: one may have come during the first check.
    requireUnfrozen(
      await reachableWorkspace(directory, connection.principal, { kind: "id", id: workspace.id }),
    );
    if (ended !== undefined) throw new ProtocolError("forbidden", `no longer allowed: ${ended}`);
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
