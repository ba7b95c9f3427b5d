// Which workspaces have a link on this gateway, and the rule that there is one link a workspace: the newest. Holds the
// links of this process, and finds those of the others.

import { EventEmitter } from "node:events";
import type { WorkspaceId } from "../../protocol/values/id.ts";
import type { Presence } from "../presence.ts";
import type { LinkEnd, WorkspaceLink } from "./link.ts";
import { RecentCuts } from "./recent-cuts.ts";
import { FENCED, noRoutesElsewhere, type RouteStore } from "./route-store.ts";

export class LinkRegistry implements Presence {
  readonly #links = new Map<WorkspaceId, WorkspaceLink>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #routes: RouteStore;
  readonly #blips = new RecentCuts();

  constructor(routes: RouteStore = noRoutesElsewhere()) {
    this.#routes = routes;
    routes.follow((id, how) => {
      this.#seen(id, how);
      this.#changes.emit("change", id);
    });
    routes.loans.follow((id) => this.#links.get(id)?.keysLent?.());
  }

  /** Links of this process. */
  get size(): number {
    return this.#links.size;
  }

  get(id: WorkspaceId): WorkspaceLink | undefined {
    return this.#links.get(id) ?? this.#routes.elsewhere(id);
  }

  /** The same, but does not miss a link that another process has taken in this very moment. */
  async find(id: WorkspaceId): Promise<WorkspaceLink | undefined> {
    const link = this.get(id);
    if (link !== undefined) return link;
    await this.#routes.caughtUp();
    return this.get(id);
  }

  /**
   * The same, for somebody who comes in: where the link has just been cut, waits some seconds for it to be there again, at the
   * longest until `signal` is aborted. Without a signal, whoever comes does not wait.
   * @param holder whose share of those that wait it counts for (open-connections.ts)
   */
  async findForClient(
    id: WorkspaceId,
    signal: AbortSignal | undefined,
    holder: string,
  ): Promise<WorkspaceLink | undefined> {
    const link = await this.find(id);
    if (link !== undefined || signal === undefined) return link;
    await this.#blips.pass(id, signal, holder);
    return this.get(id);
  }

  /** The link, if this process holds it. */
  held(id: WorkspaceId): WorkspaceLink | undefined {
    return this.#links.get(id);
  }

  /** Links of this process. */
  all(): IterableIterator<WorkspaceLink> {
    return this.#links.values();
  }

  /** Those of the other processes as well. */
  *everywhere(): Generator<WorkspaceLink> {
    yield* this.#links.values();
    yield* this.#routes.all();
  }

  get turns(): RouteStore["turns"] {
    return this.#routes.turns;
  }

  /** Keys that are lent to workspaces. */
  get loans(): RouteStore["loans"] {
    return this.#routes.loans;
  }

  /** Streams that other processes have open by a link of this one. */
  streamsElsewhere(id: WorkspaceId): number {
    const link = this.#links.get(id);
    return link === undefined ? 0 : this.#routes.streamsElsewhere(link);
  }

  /** Puts a link in its place; the one that was there is fenced: told so, and closed. */
  claim(link: WorkspaceLink): void {
    const former = this.#links.get(link.workspaceId);
    this.#links.set(link.workspaceId, link);
    this.#routes.claim(link);
    former?.close("fenced", FENCED);
    this.#seen(link.workspaceId, undefined);
    this.changed(link.workspaceId);
  }

  /** Takes a link out, unless another has taken its place already. */
  release(link: WorkspaceLink, how: LinkEnd): void {
    if (this.#links.get(link.workspaceId) !== link) return;
    this.#links.delete(link.workspaceId);
    this.#routes.release(link, how);
    this.#seen(link.workspaceId, how);
    this.changed(link.workspaceId);
  }

  /** Tells those who watch that a workspace's state or number of clients is another. */
  changed(id: WorkspaceId): void {
    const link = this.#links.get(id);
    if (link !== undefined) this.#routes.streamsChanged(link);
    this.#changes.emit("change", id);
  }

  /** A workspace's link has ended in this way, or may have come. */
  #seen(id: WorkspaceId, how: LinkEnd | undefined): void {
    if (this.get(id) !== undefined || how === "left") this.#blips.over(id);
    else if (how === "cut") this.#blips.began(id);
  }

  session(id: WorkspaceId): ReturnType<Presence["session"]> {
    const link = this.get(id);
    if (link === undefined) return undefined;
    return {
      clients: link.streams + this.streamsElsewhere(id),
      since: link.since,
      clockAhead: link.clockAhead,
    };
  }

  onChange(listener: (id: WorkspaceId) => void): () => void {
    this.#changes.on("change", listener);
    return () => this.#changes.off("change", listener);
  }
}
