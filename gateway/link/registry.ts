// Which workspaces have a link on this gateway, and the rule that there is one link a workspace: the newest.

import { EventEmitter } from "node:events";
import type { WorkspaceId } from "../../protocol/id.ts";
import type { Presence } from "../presence.ts";
import type { WorkspaceLink } from "./link.ts";

export class LinkRegistry implements Presence {
  readonly #links = new Map<WorkspaceId, WorkspaceLink>();
  readonly #changes = new EventEmitter().setMaxListeners(0);

  get size(): number {
    return this.#links.size;
  }

  get(id: WorkspaceId): WorkspaceLink | undefined {
    return this.#links.get(id);
  }

  all(): IterableIterator<WorkspaceLink> {
    return this.#links.values();
  }

  /** Puts a link in its place; the one that was there is fenced: told so, and closed. */
  claim(link: WorkspaceLink): void {
    const former = this.#links.get(link.workspaceId);
    this.#links.set(link.workspaceId, link);
    former?.close("fenced", "Another host registered with the same identity and took over.");
    this.changed(link.workspaceId);
  }

  /** Takes a link out, unless another has taken its place already. */
  release(link: WorkspaceLink): void {
    if (this.#links.get(link.workspaceId) !== link) return;
    this.#links.delete(link.workspaceId);
    this.changed(link.workspaceId);
  }

  /** Tells those who watch that a workspace's state or number of clients is another. */
  changed(id: WorkspaceId): void {
    this.#changes.emit("change", id);
  }

  session(id: WorkspaceId): { clients: number; since: Date } | undefined {
    const link = this.#links.get(id);
    return link === undefined ? undefined : { clients: link.streams, since: link.since };
  }

  onChange(listener: (id: WorkspaceId) => void): () => void {
    this.#changes.on("change", listener);
    return () => this.#changes.off("change", listener);
  }
}
