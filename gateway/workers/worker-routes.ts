// The routes as one worker knows them: a copy of the primary's table, kept up to date by its messages. A look-up costs no
// message. New connections are handed out by the primary over the same line, so a worker has heard of every claim that
// the primary knew when it gave it the connection.

import type { WorkspaceId } from "../../protocol/id.ts";
import { hashToken, newStreamToken, type StreamToken } from "../../protocol/token.ts";
import type { WorkspaceLink } from "../link/link.ts";
import { NativeLink } from "../link/native-link.ts";
import { PendingStreams } from "../link/pending-streams.ts";
import type { RouteFollower, RouteStore } from "../link/route-store.ts";
import type { TurnTaker } from "../link/turns.ts";
import { type Channel, Questions } from "./channel.ts";
import { Load } from "./load.ts";
import type { FromPrimary, LinkWish, RouteRecord, Welcome } from "./messages.ts";
import { RemoteLink } from "./remote-link.ts";

/** What an answer to a probe may take longer than the probe. */
const PROBE_GRACE_MS = 1_000;

interface Known {
  readonly route: RouteRecord;
  /** By slot. */
  readonly streams: Map<number, number>;
  /** undefined: this worker holds it. */
  readonly link: RemoteLink | undefined;
}

export class WorkerRoutes implements RouteStore {
  readonly pending: PendingStreams;
  readonly turns: TurnTaker;
  readonly #channel: Channel;
  readonly #welcome: Welcome;
  readonly #known = new Map<WorkspaceId, Known>();
  readonly #claims = new Map<WorkspaceLink, string>();
  readonly #links = new Map<string, WorkspaceLink>();
  /** Keys that other workers have lent to hosts of this one: `<slot>/<claim>/<loan>` to the way to take them back. */
  readonly #loans = new Map<string, () => void>();
  /** This worker's streams by claim, as it has told them. */
  readonly #told = new Map<string, number>();
  readonly #syncs = new Questions<undefined>();
  readonly #probes = new Questions<boolean>();
  readonly #turnQuestions = new Questions<undefined>();
  readonly #load: Load;
  #follower: RouteFollower | undefined;
  #lastClaim = 0;

  constructor(channel: Channel, welcome: Welcome) {
    this.#channel = channel;
    this.#welcome = welcome;
    this.#load = new Load(welcome.slot);
    this.pending = new PendingStreams({
      mint: () => this.#mint(),
      refused: (owner, token, message) => this.#refused(owner, token, message),
    });
    this.turns = { take: (name, task) => this.#takeTurn(name, task) };
    for (const route of welcome.routes) this.#learn(route);
    channel.onMessage((message) => this.#receive(message));
  }

  elsewhere(id: WorkspaceId): WorkspaceLink | undefined {
    return this.#known.get(id)?.link;
  }

  *all(): Generator<WorkspaceLink> {
    for (const { link } of this.#known.values()) if (link !== undefined) yield link;
  }

  async caughtUp(): Promise<void> {
    await this.#syncs.ask((request) => this.#channel.send({ type: "sync", request }));
  }

  claim(link: WorkspaceLink): void {
    const claim = `${this.#welcome.worker}.${++this.#lastClaim}`;
    this.#claims.set(link, claim);
    this.#links.set(claim, link);
    const { workspaceId: id, address, credential, hostKeys } = link;
    const route = {
      id,
      claim,
      slot: this.#welcome.slot,
      since: link.since.getTime(),
      address: address.slice(0, 100),
      credential,
      hostKeys: [...hostKeys],
    };
    this.#channel.send({ type: "claim", route });
  }

  release(link: WorkspaceLink): void {
    const claim = this.#claims.get(link);
    if (claim === undefined) return;
    this.#tellStreams(link.workspaceId, claim, 0);
    this.#claims.delete(link);
    this.#links.delete(claim);
    for (const key of [...this.#loans.keys()]) if (key.split("/")[1] === claim) this.#loans.delete(key);
    this.#channel.send({ type: "release", id: link.workspaceId, claim });
  }

  streamsChanged(link: WorkspaceLink): void {
    const claim = this.#claims.get(link);
    if (claim !== undefined) this.#tellStreams(link.workspaceId, claim, link.streams);
  }

  streamsElsewhere(link: WorkspaceLink): number {
    const known = this.#known.get(link.workspaceId);
    if (known === undefined || known.route.claim !== this.#claims.get(link)) return 0;
    return total(known) - (known.streams.get(this.#welcome.slot) ?? 0);
  }

  follow(follower: RouteFollower): void {
    this.#follower = follower;
  }

  /** The worker that a stream token leads to: that follows from its hash. */
  slotOf(token: StreamToken): number {
    return Number.parseInt(hashToken(token).slice(0, 8), 16) % this.#welcome.count;
  }

  get load(): Load {
    return this.#load;
  }

  #receive(message: FromPrimary): void {
    switch (message.type) {
      case "route":
        this.#forget(message.route.id);
        this.#learn(message.route);
        this.#follower?.changed(message.route.id);
        return;
      case "route-gone":
        if (this.#known.get(message.id)?.route.claim !== message.claim) return;
        this.#forget(message.id);
        this.#follower?.changed(message.id);
        return;
      case "streams": {
        const known = this.#known.get(message.id);
        if (known?.route.claim !== message.claim) return;
        this.#setStreams(known, message.slot, message.count);
        this.#follower?.changed(message.id);
        return;
      }
      case "fenced": {
        const link = this.#links.get(message.claim);
        if (link !== undefined) this.#follower?.fenced(link);
        return;
      }
      case "wish":
        this.#fulfil(message.wish, message.claim, message.from);
        return;
      case "refused": {
        const link = this.#known.get(message.id)?.link;
        if (link?.claim === message.claim) {
          this.pending.refuse(link, message.token, "stream_refused", message.message);
        }
        return;
      }
      case "probed":
        this.#probes.answer(message.request, message.alive);
        return;
      case "turn":
        this.#turnQuestions.answer(message.request, undefined);
        return;
      case "synced":
        this.#syncs.answer(message.request, undefined);
        return;
      case "worker-ready":
        this.#load.ready(message.slot);
        return;
      case "worker-gone":
        this.#load.gone(message.slot);
        for (const [key, takeBack] of [...this.#loans]) {
          if (!key.startsWith(`${message.slot}/`)) continue;
          this.#loans.delete(key);
          takeBack();
        }
        return;
    }
  }

  /** What another worker wishes of a link that this one holds. */
  #fulfil(wish: LinkWish, claim: string, from: number): void {
    const link = this.#links.get(claim);
    if (link === undefined) return;
    switch (wish.kind) {
      case "stream":
        if (link instanceof NativeLink) {
          const { via, client, resume } = wish;
          link.askFor(wish.token, { via, client, resume });
        }
        return;
      case "lend-key": {
        const takeBack = link.lendKey?.(wish.key);
        if (takeBack !== undefined) this.#loans.set(`${from}/${claim}/${wish.loan}`, takeBack);
        return;
      }
      case "take-back": {
        const key = `${from}/${claim}/${wish.loan}`;
        this.#loans.get(key)?.();
        this.#loans.delete(key);
        return;
      }
      case "probe":
        // Never rejects.
        void link.probe(wish.ms).then((alive) => {
          this.#channel.send({ type: "probed", to: from, request: wish.request, alive });
        });
        return;
      case "close":
        link.close(wish.code, wish.message);
        return;
    }
  }

  #learn(route: RouteRecord): void {
    const isOwn = this.#links.has(route.claim);
    const streams = new Map<number, number>();
    const { id, claim } = route;
    const wish = (what: LinkWish) => this.#channel.send({ type: "wish", id, claim, wish: what });
    const link = new RemoteLink(route, {
      pending: this.pending,
      wish,
      probe: (ms) =>
        this.#probes.ask((request) => wish({ kind: "probe", request, ms }), {
          ms: ms + PROBE_GRACE_MS,
          answer: false,
        }),
      streams: () => [...streams.values()].reduce((sum, count) => sum + count, 0),
      onStreams: (count) => this.#tellStreams(id, claim, count),
    });
    this.#known.set(id, { route, streams, link: isOwn ? undefined : link });
  }

  #forget(id: WorkspaceId): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    for (const slot of [...known.streams.keys()]) this.#setStreams(known, slot, 0);
    this.#known.delete(id);
    const { claim } = known.route;
    if (known.link !== undefined) this.#tellStreams(id, claim, 0);
    known.link?.gone();
  }

  #setStreams({ streams }: Known, slot: number, count: number): void {
    this.#load.changed(slot, count - (streams.get(slot) ?? 0));
    if (count === 0) streams.delete(slot);
    else streams.set(slot, count);
  }

  #tellStreams(id: WorkspaceId, claim: string, count: number): void {
    const before = this.#told.get(claim) ?? 0;
    if (count === before) return;
    this.#load.ownChanged(count - before);
    if (count === 0) this.#told.delete(claim);
    else this.#told.set(claim, count);
    this.#channel.send({ type: "streams", id, claim, count });
  }

  #mint(): StreamToken {
    for (;;) {
      const token = newStreamToken();
      if (this.slotOf(token) === this.#welcome.slot) return token;
    }
  }

  #refused(owner: object, token: StreamToken, message: string): void {
    const to = this.slotOf(token);
    if (to === this.#welcome.slot || !(owner instanceof NativeLink)) return;
    const claim = this.#claims.get(owner);
    if (claim === undefined) return;
    const { workspaceId: id } = owner;
    this.#channel.send({ type: "refused", to, id, claim, token, message: message.slice(0, 500) });
  }

  async #takeTurn<T>(name: string, task: () => Promise<T>): Promise<T> {
    let taken = 0;
    await this.#turnQuestions.ask((request) => {
      taken = request;
      this.#channel.send({ type: "turn", request, name: name.slice(0, 200) });
    });
    try {
      return await task();
    } finally {
      this.#channel.send({ type: "turn-over", request: taken });
    }
  }
}

function total({ streams }: Known): number {
  return [...streams.values()].reduce((sum, count) => sum + count, 0);
}
