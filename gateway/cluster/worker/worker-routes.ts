// The routes as one worker knows them: a copy of the primary's table, kept up to date by its messages, so
// that a look-up costs no message. The primary hands out new connections over the same line, so a worker that
// gets a connection has heard of every claim that the primary knew then.

import { assertNever } from "../../../protocol/assert-never.ts";
import { ProtocolError } from "../../../protocol/errors.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import type { StreamToken } from "../../../protocol/values/token.ts";
import type { KeyedMutex } from "../../keyed-mutex.ts";
import type { Link, LinkEnd, WorkspaceLink } from "../../link/link.ts";
import { NativeLink } from "../../link/native-link.ts";
import { FENCED, type RouteStore } from "../../link/route-store.ts";
import { PendingStreams } from "../../link/streams/pending-streams.ts";
import {
  isSessionKey,
  type SessionElsewhere,
  type SessionKey,
  type SessionsElsewhere,
} from "../../upterm/sessions.ts";
import type { Channel } from "../channel.ts";
import type { FromPrimary, LinkWish, RouteId, RouteRecord, Welcome } from "../messages.ts";
import { Questions } from "../questions.ts";
import { HeldLinks } from "./held-links.ts";
import { Load } from "./load.ts";
import { PrimaryMutex } from "./primary-mutex.ts";
import { RemoteLink, type RemoteLinkOptions, RemoteWorkspaceLink } from "./remote-link.ts";
import { newTokenFor, slotOfToken } from "./token-slot.ts";
import { WorkerLentKeys } from "./worker-lent-keys.ts";

/** The answer to a probe may take this much longer than the probe. */
const PROBE_GRACE_MS = 1_000;

interface Known {
  readonly route: RouteRecord;
  /** By slot. */
  readonly streams: Map<number, number>;
  /** undefined: this worker holds it. */
  readonly link: RemoteLink | undefined;
}

export class WorkerRoutes implements RouteStore, SessionsElsewhere {
  readonly pending: PendingStreams;
  readonly registrationMutex: KeyedMutex;
  readonly load: Load;
  readonly lentKeys: WorkerLentKeys;
  readonly #channel: Channel;
  readonly #welcome: Welcome;
  readonly #known = new Map<RouteId, Known>();
  readonly #held: HeldLinks;
  /** This worker's streams by claim, as it has told them. */
  readonly #told = new Map<string, number>();
  readonly #syncs = new Questions<undefined>();
  readonly #probes = new Questions<boolean>();
  #follower: ((id: WorkspaceId, how?: LinkEnd) => void) | undefined;

  constructor(channel: Channel, welcome: Welcome) {
    this.#channel = channel;
    this.#welcome = welcome;
    this.load = new Load(welcome.slot);
    this.#held = new HeldLinks(channel, welcome);
    this.lentKeys = new WorkerLentKeys(channel);
    this.pending = new PendingStreams({
      mint: () => newTokenFor(welcome),
      refused: (owner, token, message) => this.#refused(owner, token, message),
    });
    this.registrationMutex = new PrimaryMutex(channel);
    for (const route of welcome.routes) this.#learn(route);
    channel.onMessage((message) => this.#receive(message));
  }

  elsewhere(id: WorkspaceId): WorkspaceLink | undefined {
    const link = this.#known.get(id)?.link;
    return link instanceof RemoteWorkspaceLink ? link : undefined;
  }

  *all(): Generator<WorkspaceLink> {
    for (const { link } of this.#known.values()) if (link instanceof RemoteWorkspaceLink) yield link;
  }

  async caughtUp(): Promise<void> {
    await this.#syncs.ask((request) => this.#channel.send({ type: "sync", request }));
  }

  claim(link: WorkspaceLink): void {
    this.#held.claim(link.workspaceId, link, { credential: link.credential });
  }

  release(link: WorkspaceLink, how: LinkEnd): void {
    const claim = this.#held.claimOf(link);
    if (claim !== undefined) this.#tellStreams(link.workspaceId, claim, 0);
    this.#held.release(link, how);
  }

  streamsChanged(link: WorkspaceLink): void {
    const claim = this.#held.claimOf(link);
    if (claim !== undefined) this.#tellStreams(link.workspaceId, claim, link.streams);
  }

  streamsElsewhere(link: WorkspaceLink): number {
    const known = this.#known.get(link.workspaceId);
    if (known === undefined || known.route.claim !== this.#held.claimOf(link)) return 0;
    return total(known) - (known.streams.get(this.#welcome.slot) ?? 0);
  }

  follow(follower: (id: WorkspaceId, how?: LinkEnd) => void): void {
    this.#follower = follower;
  }

  /** The slot of the worker that waits for a stream. */
  slotOf(token: StreamToken): number {
    return slotOfToken(token, this.#welcome);
  }

  /** An upterm session that another worker holds. */
  session(key: SessionKey): SessionElsewhere | undefined {
    const known = this.#known.get(key);
    return known === undefined ? undefined : sessionOf(known);
  }

  *sessions(): Generator<SessionElsewhere> {
    for (const known of this.#known.values()) {
      const session = sessionOf(known);
      if (session !== undefined) yield session;
    }
  }

  claimSession(key: SessionKey, { generation, allowed, link }: SessionElsewhere): void {
    this.#held.claim(key, link, {
      credential: null,
      session: { generation: String(generation), allowed: allowed === "anyone" ? null : [...allowed] },
    });
  }

  releaseSession(link: Link): void {
    this.#held.release(link, "left");
  }

  #receive(message: FromPrimary): void {
    switch (message.type) {
      case "route":
        this.#forget(message.route.id);
        this.#learn(message.route);
        this.#changed(message.route.id);
        return;
      case "route-gone":
        if (this.#known.get(message.id)?.route.claim !== message.claim) return;
        this.#forget(message.id);
        this.#changed(message.id, message.how);
        return;
      case "streams": {
        const known = this.#known.get(message.id);
        if (known?.route.claim !== message.claim) return;
        this.#setStreams(known, message.slot, message.count);
        this.#changed(message.id);
        return;
      }
      case "fenced": {
        this.#held.link(message.claim)?.close("fenced", FENCED);
        return;
      }
      case "wish":
        this.#held.fulfil(message.wish, message.claim, message.from);
        return;
      case "refused": {
        const link = this.#known.get(message.id)?.link;
        if (link?.claim === message.claim) {
          this.pending.refuse(link, message.token, message.code, message.message);
        }
        return;
      }
      case "probed":
        this.#probes.answer(message.request, message.alive);
        return;
      case "turn":
        // PrimaryMutex hears it.
        return;
      case "synced":
        this.#syncs.answer(message.request, undefined);
        return;
      case "worker-ready":
        this.load.ready(message.slot);
        return;
      case "worker-gone":
        this.load.gone(message.slot);
        this.lentKeys.workerGone(message.slot);
        return;
      case "lent":
        this.lentKeys.lent(message);
        return;
      case "taken-back":
        this.lentKeys.takenBack(message.slot, message.loan);
        return;
      case "welcome":
      case "question":
      case "asked":
      case "answer":
      case "news":
      case "handover":
      case "metrics":
      case "reload-tls":
      case "stop":
        // worker.ts, sibling-questions.ts and handover.ts listen for these.
        return;
      default:
        assertNever(message);
    }
  }

  #learn(route: RouteRecord): void {
    const streams = new Map<number, number>();
    const { id, claim } = route;
    const wish = (what: LinkWish) => this.#channel.send({ type: "wish", id, claim, wish: what });
    const options: RemoteLinkOptions = {
      pending: this.pending,
      wish,
      probe: (ms) =>
        this.#probes.ask((request) => wish({ kind: "probe", request, ms }), {
          ms: ms + PROBE_GRACE_MS,
          answer: false,
        }),
      streams: () => total({ streams }),
      onStreams: (count) => this.#tellStreams(id, claim, count),
    };
    const link = isSessionKey(id)
      ? new RemoteLink(route, options)
      : new RemoteWorkspaceLink(id, route, options);
    this.#known.set(id, { route, streams, link: this.#held.has(claim) ? undefined : link });
  }

  #forget(id: RouteId): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    for (const slot of [...known.streams.keys()]) this.#setStreams(known, slot, 0);
    this.#known.delete(id);
    const { claim } = known.route;
    if (known.link !== undefined) this.#tellStreams(id, claim, 0);
    known.link?.gone();
  }

  #changed(id: RouteId, how?: LinkEnd): void {
    if (!isSessionKey(id)) this.#follower?.(id, how);
  }

  #setStreams({ streams }: Known, slot: number, count: number): void {
    this.load.changed(slot, count - (streams.get(slot) ?? 0));
    if (count === 0) streams.delete(slot);
    else streams.set(slot, count);
  }

  #tellStreams(id: RouteId, claim: string, count: number): void {
    const before = this.#told.get(claim) ?? 0;
    if (count === before) return;
    this.load.ownChanged(count - before);
    if (count === 0) this.#told.delete(claim);
    else this.#told.set(claim, count);
    this.#channel.send({ type: "streams", id, claim, count });
  }

  #refused(owner: object, token: StreamToken, message: string): void {
    const to = this.slotOf(token);
    if (to === this.#welcome.slot || !(owner instanceof NativeLink)) return;
    this.#held.refused(owner, to, token, new ProtocolError("stream_refused", message));
  }
}

function sessionOf({ route, link }: Known): SessionElsewhere | undefined {
  const { session, address } = route;
  if (session === undefined || link === undefined) return undefined;
  const { generation, allowed } = session;
  return {
    address,
    generation: BigInt(generation),
    allowed: allowed === null ? "anyone" : new Set(allowed),
    link,
  };
}

function total({ streams }: Pick<Known, "streams">): number {
  return [...streams.values()].reduce((sum, count) => sum + count, 0);
}
