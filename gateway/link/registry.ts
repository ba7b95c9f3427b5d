// Which workspaces have a link at this gateway, and the rule that a workspace has one link: the newest. Holds
// the links of this process, and finds those of other processes.

import { EventEmitter } from "node:events";
import type { WorkspaceId } from "../../protocol/values/id.ts";
import type { OnlineState, Presence } from "../presence.ts";
import type { LinkEnd, WorkspaceLink } from "./link.ts";
import { RecentCuts } from "./recent-cuts.ts";
import { FENCED, noRoutesElsewhere, type RouteStore } from "./route-store.ts";

export class LinkRegistry implements Presence {
  readonly #links = new Map<WorkspaceId, WorkspaceLink>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #routes: RouteStore;
  readonly #recentCuts = new RecentCuts();

  constructor(routes: RouteStore = noRoutesElsewhere()) {
    this.#routes = routes;
    routes.follow((id, how) => {
      this.#noteCut(id, how);
      this.#changes.emit("change", id);
    });
    routes.lentKeys.follow((id) => this.#links.get(id)?.keysLent?.());
  }

  /** The number of links that this process holds. */
  get size(): number {
    return this.#links.size;
  }

  get(id: WorkspaceId): WorkspaceLink | undefined {
    return this.#links.get(id) ?? this.#routes.elsewhere(id);
  }

  /** As `get`, but does not miss a link that another process has claimed only just now. */
  async find(id: WorkspaceId): Promise<WorkspaceLink | undefined> {
    const link = this.get(id);
    if (link !== undefined) return link;
    await this.#routes.caughtUp();
    return this.get(id);
  }

  /**
   * As `find`, for a client. Where the link was cut just now, waits a few seconds for it to come back, until
   * `signal` is aborted at the latest. Without a signal it does not wait.
   * @param holder the account or address against whose share of the waiting clients this one counts
   *   (open-connections.ts)
   */
  async findForClient(
    id: WorkspaceId,
    signal: AbortSignal | undefined,
    holder: string,
  ): Promise<WorkspaceLink | undefined> {
    const link = await this.find(id);
    if (link !== undefined || signal === undefined) return link;
    await this.#recentCuts.wait(id, signal, holder);
    return this.get(id);
  }

  /** The link, if this process holds it. */
  held(id: WorkspaceId): WorkspaceLink | undefined {
    return this.#links.get(id);
  }

  /** The links that this process holds. */
  all(): IterableIterator<WorkspaceLink> {
    return this.#links.values();
  }

  /** The links of all processes. */
  *everywhere(): Generator<WorkspaceLink> {
    yield* this.#links.values();
    yield* this.#routes.all();
  }

  get registrationMutex(): RouteStore["registrationMutex"] {
    return this.#routes.registrationMutex;
  }

  get lentKeys(): RouteStore["lentKeys"] {
    return this.#routes.lentKeys;
  }

  /** How many streams other processes have open by a link of this process. */
  streamsElsewhere(id: WorkspaceId): number {
    const link = this.#links.get(id);
    return link === undefined ? 0 : this.#routes.streamsElsewhere(link);
  }

  /**
   * Makes this the workspace's link. A link that it replaces is fenced: its host is told so, and it is
   * closed.
   */
  claim(link: WorkspaceLink): void {
    const former = this.#links.get(link.workspaceId);
    this.#links.set(link.workspaceId, link);
    this.#routes.claim(link);
    former?.close("fenced", FENCED);
    this.#noteCut(link.workspaceId, undefined);
    this.changed(link.workspaceId);
  }

  /** Removes a link, unless a newer one has replaced it already. */
  release(link: WorkspaceLink, how: LinkEnd): void {
    if (this.#links.get(link.workspaceId) !== link) return;
    this.#links.delete(link.workspaceId);
    this.#routes.release(link, how);
    this.#noteCut(link.workspaceId, how);
    this.changed(link.workspaceId);
  }

  /** Notifies watchers that a workspace's state or client count has changed. */
  changed(id: WorkspaceId): void {
    const link = this.#links.get(id);
    if (link !== undefined) this.#routes.streamsChanged(link);
    this.#changes.emit("change", id);
  }

  online(id: WorkspaceId): OnlineState | undefined {
    const link = this.get(id);
    if (link === undefined) return undefined;
    return {
      clients: link.streams + this.streamsElsewhere(id),
      since: link.since,
      clockAheadMs: link.clockAheadMs,
    };
  }

  onChange(listener: (id: WorkspaceId) => void): () => void {
    this.#changes.on("change", listener);
    return () => this.#changes.off("change", listener);
  }

  /** @param how undefined: the workspace's link may have come, or is unchanged */
  #noteCut(id: WorkspaceId, how: LinkEnd | undefined): void {
    if (this.get(id) !== undefined || how === "left") this.#recentCuts.over(id);
    else if (how === "cut") this.#recentCuts.began(id);
  }
}
