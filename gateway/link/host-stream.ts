// A stream to a workspace's host as plain bytes, for those who speak SSH on it themselves. Where the host can, the gateway
// plays the companion's part on the way to it: a blip of the host's network is no end for who is connected directly.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { isFinal, ProtocolError } from "../../protocol/errors.ts";
import { initiate } from "../../protocol/resume/initiator.ts";
import { PROCESS_BYTES } from "../../protocol/resume/limits.ts";
import { ByteBudget } from "../../protocol/resume/outgoing.ts";
import { SUBPROTOCOL } from "../../protocol/values/gateway-url.ts";
import type { ReachedWorkspace } from "../open-connections.ts";
import type { Link, StreamRequest } from "./link.ts";
import type { LinkRegistry } from "./registry.ts";
import { streamDuplex } from "./stream-duplex.ts";

/** Taken from a host before the client has it: as much as OpenSSH lets a channel have. */
const WINDOW = 2 * 1024 * 1024;
const budget = new ByteBudget(PROCESS_BYTES);

/** The link that a workspace has by now. */
export interface Relink {
  current(): Link | undefined;
  /** The stream goes by this link from now on. */
  taken(link: Link): void;
  /** Called when a different link has come. Returns the way to stop. */
  onNew(listener: () => void): () => void;
}

/** `reached` is kept up to date. */
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
        // Each stream that comes or goes is a change as well, and says nothing about the way.
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
  if (again === undefined || !resumes) return streamDuplex(first);
  const initiator = initiate(first.socket, {
    window: WINDOW,
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
  // Before it is there: what lets the host in may be revoked meanwhile.
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
