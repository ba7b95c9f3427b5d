// The primary's part of what workers share: which worker holds which workspace's link, whose turn it is to register, and
// the way of a message from one worker to another. There is one primary, so the order in which it hears of claims decides.
// No process and no socket here.

import { assertNever } from "../../../protocol/assert-never.ts";
import { LocalKeyedMutex } from "../../keyed-mutex.ts";
import type { LinkEnd } from "../../link/link.ts";
import type { FromPrimary, FromWorker, RouteId, RouteRecord } from "../messages.ts";
import type { News } from "../news.ts";

export interface SwitchboardWorker {
  /** Its place, which the worker that is started in its stead takes over. */
  readonly slot: number;
  send(message: FromPrimary): void;
}

/** What concerns the switchboard; the rest is the primary's. */
export type SwitchboardMessage = Exclude<
  FromWorker,
  { type: "hello" | "ready" | "failed" | "handover" | "metrics" }
>;

interface Entry {
  readonly route: RouteRecord;
  readonly holder: SwitchboardWorker;
  /** Streams that are open by the link, by slot. */
  readonly streams: Map<number, number>;
}

export class Switchboard {
  readonly #workers = new Map<number, SwitchboardWorker>();
  readonly #ready = new Set<number>();
  readonly #entries = new Map<RouteId, Entry>();
  readonly #mutex = new LocalKeyedMutex();
  /** How to end the turns that are taken or awaited, by worker. */
  readonly #turnsOf = new Map<SwitchboardWorker, Map<number, () => void>>();
  /** Keys that workers lend to workspaces, as the others are told. */
  readonly #lentKeysOf = new Map<SwitchboardWorker, Map<number, FromPrimary>>();

  get size(): number {
    return this.#entries.size;
  }

  routes(): RouteRecord[] {
    return [...this.#entries.values()].map(({ route }) => route);
  }

  /** To be called right after the worker was sent `routes()`: it hears of all that changes from then on. */
  add(worker: SwitchboardWorker): void {
    this.#workers.set(worker.slot, worker);
    this.#turnsOf.set(worker, new Map());
    for (const loans of this.#lentKeysOf.values()) for (const lent of loans.values()) worker.send(lent);
    this.#lentKeysOf.set(worker, new Map());
    for (const slot of this.#ready) worker.send({ type: "worker-ready", slot });
    for (const { route, streams } of this.#entries.values()) {
      for (const [slot, count] of streams) worker.send(streamsMessage(route, slot, count));
    }
  }

  /** The worker takes connections, and so what others give it. */
  ready(worker: SwitchboardWorker): void {
    this.#ready.add(worker.slot);
    this.#tellAll({ type: "worker-ready", slot: worker.slot });
  }

  /** The worker has ended: what it held is nobody's now. */
  remove(worker: SwitchboardWorker): void {
    if (this.#workers.get(worker.slot) !== worker) return;
    this.#workers.delete(worker.slot);
    this.#ready.delete(worker.slot);
    for (const end of [...(this.#turnsOf.get(worker)?.values() ?? [])]) end();
    this.#turnsOf.delete(worker);
    this.#lentKeysOf.delete(worker);
    this.#tellAll({ type: "worker-gone", slot: worker.slot });
    for (const [id, entry] of [...this.#entries]) {
      if (entry.holder === worker) this.#drop(id, entry, "cut");
      else if (entry.streams.delete(worker.slot)) {
        this.#tellAll(streamsMessage(entry.route, worker.slot, 0));
      }
    }
  }

  /** The primary's own news. */
  tell(news: News): void {
    this.#tellAll({ type: "news", news });
  }

  receive(worker: SwitchboardWorker, message: SwitchboardMessage): void {
    if (this.#workers.get(worker.slot) !== worker) return;
    switch (message.type) {
      case "claim":
        this.#claim(worker, message.route);
        return;
      case "release": {
        const entry = this.#entries.get(message.id);
        if (entry?.route.claim === message.claim) this.#drop(message.id, entry, message.how);
        return;
      }
      case "streams": {
        const entry = this.#entries.get(message.id);
        if (entry?.route.claim !== message.claim) return;
        if (message.count === 0) entry.streams.delete(worker.slot);
        else entry.streams.set(worker.slot, message.count);
        this.#tellAll(streamsMessage(entry.route, worker.slot, message.count));
        return;
      }
      case "wish": {
        const { claim, wish } = message;
        const entry = this.#entries.get(message.id);
        // Gone meanwhile: whoever wished for it hears of that by `route-gone`, which is on its way.
        if (entry?.route.claim === claim) entry.holder.send({ type: "wish", from: worker.slot, claim, wish });
        return;
      }
      case "refused": {
        const { to, ...refusal } = message;
        this.#workers.get(to)?.send(refusal);
        return;
      }
      case "probed": {
        const { request, alive } = message;
        this.#workers.get(message.to)?.send({ type: "probed", request, alive });
        return;
      }
      case "lend": {
        const { type, ...loan } = message;
        const lent = { type: "lent", slot: worker.slot, ...loan } as const;
        this.#lentKeysOf.get(worker)?.set(loan.loan, lent);
        this.#tellOthers(worker, lent);
        return;
      }
      case "take-back": {
        const { loan } = message;
        this.#lentKeysOf.get(worker)?.delete(loan);
        this.#tellOthers(worker, { type: "taken-back", slot: worker.slot, loan });
        return;
      }
      case "turn":
        this.#takeTurn(worker, message.request, message.name);
        return;
      case "turn-over":
        this.#turnsOf.get(worker)?.get(message.request)?.();
        return;
      case "sync":
        // After what has come in together with this: a claim that another worker has sent before may be among it.
        setImmediate(() => worker.send({ type: "synced", request: message.request }));
        return;
      case "news":
        this.#tellOthers(worker, message);
        return;
      default:
        assertNever(message);
    }
  }

  #claim(worker: SwitchboardWorker, route: RouteRecord): void {
    const former = this.#entries.get(route.id);
    if (former !== undefined && isNewer(former.route, route)) {
      worker.send({ type: "fenced", id: route.id, claim: route.claim });
      return;
    }
    this.#entries.set(route.id, { route, holder: worker, streams: new Map() });
    if (former !== undefined && former.holder !== worker) {
      former.holder.send({ type: "fenced", id: route.id, claim: former.route.claim });
    }
    this.#tellAll({ type: "route", route });
  }

  #drop(id: RouteId, { route }: Entry, how: LinkEnd): void {
    this.#entries.delete(id);
    this.#tellAll({ type: "route-gone", id, claim: route.claim, how });
  }

  #takeTurn(worker: SwitchboardWorker, request: number, name: string): void {
    const ends = this.#turnsOf.get(worker);
    if (ends === undefined) return;
    const over = new Promise<void>((resolve) => {
      ends.set(request, () => {
        ends.delete(request);
        resolve();
      });
    });
    // Never rejects.
    void this.#mutex.runExclusive(name, async () => {
      if (!ends.has(request)) return;
      worker.send({ type: "turn", request });
      await over;
    });
  }

  #tellOthers(worker: SwitchboardWorker, message: FromPrimary): void {
    for (const other of this.#workers.values()) if (other !== worker) other.send(message);
  }

  #tellAll(message: FromPrimary): void {
    for (const worker of this.#workers.values()) worker.send(message);
  }
}

/** Upterm's hosts number their registrations; of others the one that comes last is the newest. */
function isNewer({ session }: RouteRecord, than: RouteRecord): boolean {
  if (session === undefined || than.session === undefined) return false;
  return BigInt(session.generation) >= BigInt(than.session.generation);
}

function streamsMessage({ id, claim }: RouteRecord, slot: number, count: number): FromPrimary {
  return { type: "streams", id, claim, slot, count };
}
