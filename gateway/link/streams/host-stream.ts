// A stream to a workspace's host as plain bytes, for the gateway's own SSH connections. Where the host can
// resume streams, the gateway plays the companion's part towards it: a short loss of the host's network does
// not end the connection of a person who comes in by the SSH port.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { isFinal, ProtocolError } from "../../../protocol/errors.ts";
import { initiate } from "../../../protocol/resume/initiator.ts";
import { PROCESS_BYTES } from "../../../protocol/resume/limits.ts";
import { ByteBudget } from "../../../protocol/resume/outgoing.ts";
import { SUBPROTOCOL } from "../../../protocol/values/gateway-url.ts";
import { webSocketStream } from "../../../protocol/web-socket/web-socket.ts";
import type { ReachedWorkspace } from "../../open-connections.ts";
import { Heartbeat } from "../../splice/keep-alive.ts";
import type { Link, LinkStream, StreamRequest } from "../link.ts";
import type { LinkRegistry } from "../registry.ts";

/** Bytes that are taken from a host before the client has them: as many as OpenSSH allows a channel. */
const WINDOW_BYTES = 2 * 1024 * 1024;
const budget = new ByteBudget(PROCESS_BYTES);

/** How a stream that lost its link finds the next one. */
export interface Relink {
  /** The workspace's link now. */
  current(): Link | undefined;
  /** The stream uses this link from now on. */
  taken(link: Link): void;
  /**
   * Calls `listener` when the workspace has a different link. Returns a function that ends the subscription.
   */
  onNew(listener: () => void): () => void;
}

/** Keeps `reached.link` up to date. */
export function relink(registry: LinkRegistry, reached: ReachedWorkspace): Relink {
  const { workspaceId } = reached;
  return {
    current: () => registry.get(workspaceId),
    taken: (link) => {
      reached.link = link;
    },
    onNew(listener) {
      let known = registry.get(workspaceId);
      return registry.onChange((id) => {
        if (id !== workspaceId) return;
        // The registry also reports each stream that opens or closes; the link is the same then.
        const link = registry.get(workspaceId);
        if (link === known) return;
        known = link;
        if (link !== undefined) listener();
      });
    },
  };
}

/**
 * @param again undefined: the stream ends with its connection
 * @throws what Link.openStream throws
 */
export async function openHostStream(
  link: Link,
  request: Omit<StreamRequest, "resume">,
  again: Relink | undefined,
): Promise<Duplex> {
  const first = await link.openStream({ ...request, resume: again !== undefined });
  const resumes = first.kind === "web-socket" && first.socket.protocol === SUBPROTOCOL.resume;
  if (again === undefined || !resumes) return duplexOf(first);
  const initiator = initiate(first.socket, {
    window: WINDOW_BYTES,
    budget,
    dial: () => redial(again, request),
    isFinal: (error) => error instanceof ProtocolError && isFinal(error.code),
    onState: () => undefined,
  });
  const stopWatching = again.onNew(() => initiator.hurry());
  initiator.stream.once("close", stopWatching);
  return initiator.stream;
}

async function redial(again: Relink, request: Omit<StreamRequest, "resume">): Promise<WebSocket> {
  const link = again.current();
  if (link === undefined) throw new ProtocolError("workspace_offline", "the workspace is offline");
  // Noted before the stream is there: the host's credential may be revoked while it is being opened.
  again.taken(link);
  const stream = await link.openStream({ ...request, resume: true });
  if (stream.kind === "web-socket") {
    if (stream.socket.protocol === SUBPROTOCOL.resume) return stream.socket;
    stream.socket.terminate();
  } else {
    stream.stream.destroy();
  }
  throw new ProtocolError("unsupported_version", "the workspace's host does not resume streams any more");
}

function duplexOf(stream: LinkStream): Duplex {
  if (stream.kind === "duplex") return stream.stream;
  const { socket } = stream;
  const heartbeat = new Heartbeat(socket);
  socket.on("message", () => heartbeat.heard());
  socket.once("close", () => heartbeat.stop());
  return webSocketStream(socket);
}
