// Opens the stream that a jump goes to: to a workspace that the visitor may reach, while it is online and there is room.

import type { Duplex } from "node:stream";
import { ProtocolError } from "../../protocol/errors.ts";
import { parseWorkspaceRef } from "../../protocol/name.ts";
import { openHostStream, relink } from "../link/host-stream.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { reach } from "./reach.ts";
import type { Visitor } from "./visitor.ts";

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
  visitor: Visitor,
  context: ConnectionContext,
  over: AbortSignal,
): Promise<JumpStream> {
  const { directory, registry, connections, maxStreams, metrics } = context;
  const workspace = await reach(directory, visitor.who, parseWorkspaceRef(name));
  const link = await registry.findForVisitor(workspace.id, over);
  if (link === undefined) {
    throw new ProtocolError("workspace_offline", `the workspace ${workspace.name} is offline`);
  }
  if (connections.streams >= maxStreams) {
    throw new ProtocolError("gateway_full", "the gateway has as many streams open as it allows");
  }
  visitor.lendKey(workspace.id);
  const { address, account } = visitor;
  const asked = { via: "jump", client: { address, account } } as const;
  const stream = await openHostStream(link, asked, relink(registry, workspace.id));
  try {
    // The host may have taken seconds: what was unshared meanwhile is not opened any more.
    await reach(directory, visitor.who, { kind: "id", id: workspace.id });
  } catch (error) {
    stream.destroy();
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
    opened(close) {
      const leave = visitor.openedStream(workspace.id, close);
      const started = performance.now();
      visitor.audit("ssh.forward.opened", { workspace: workspace.id });
      return () => {
        leave();
        visitor.audit("ssh.forward.closed", {
          workspace: workspace.id,
          bytesIn: bytes.in,
          bytesOut: bytes.out,
          durationMs: performance.now() - started,
        });
      };
    },
  };
}
