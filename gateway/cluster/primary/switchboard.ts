// What workers share, as the primary keeps it: which worker holds which workspace's link, the mutex for
// registrations, and messages from one worker to another. There is one primary, so its order of claims
// decides. It knows nothing about processes or sockets.

import { assertNever } from "../../../protocol/assert-never.ts";
import { LocalKeyedMutex } from "../../keyed-mutex.ts";
import type { LinkEnd } from "../../link/link.ts";
import type { FromPrimary, FromWorker, RouteId, RouteRecord } from "../messages.ts";
import type { News } from "../news.ts";

interface SwitchboardWorker {
  /** The worker that replaces it has the same slot. */
  readonly slot: number;
  send(message: FromPrimary): void;
}

/** The messages that the switchboard handles; the primary handles the others. */
type SwitchboardMessage = Exclude<
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
  /** Ends a task that runs or waits in the mutex: by worker, by the number of its request. */
  readonly #tasksOf = new Map<SwitchboardWorker, Map<number, () => void>>();
  /** Keys that workers lend to workspaces, as the others are told. */
  readonly #lentKeysOf = new Map<SwitchboardWorker, Map<number, FromPrimary>>();

  get size(): number {
    return this.#entries.size;
  }

  routes(): RouteRecord[] {
    return [...this.#entries.values()].map(({ route }) => route);
  }

  /** To be called right after the worker was sent `routes()`: it is told of every change from then on. */
  add(worker: SwitchboardWorker): void {
    this.#workers.set(worker.slot, worker);
    this.#tasksOf.set(worker, new Map());
    for (const keys of this.#lentKeysOf.values()) for (const lent of keys.values()) worker.send(lent);
    this.#lentKeysOf.set(worker, new Map());
    for (const slot of this.#ready) worker.send({ type: "worker-ready", slot });
    for (const { route, streams } of this.#entries.values()) {
      for (const [slot, count] of streams) worker.send(streamsMessage(route, slot, count));
    }
  }

  /** The worker takes connections, so others may give it some. */
  ready(worker: SwitchboardWorker): void {
    this.#ready.add(worker.slot);
    this.#tellAll({ type: "worker-ready", slot: worker.slot });
  }

  /** The worker has ended: what it held is gone. */
  remove(worker: SwitchboardWorker): void {
    if (this.#workers.get(worker.slot) !== worker) return;
    this.#workers.delete(worker.slot);
    this.#ready.delete(worker.slot);
    for (const end of [...(this.#tasksOf.get(worker)?.values() ?? [])]) end();
    this.#tasksOf.delete(worker);
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
        // Where it is gone, the worker that asks is told by `route-gone`, which was sent already.
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
        const { type, ...key } = message;
        const lent = { type: "lent", slot: worker.slot, ...key } as const;
        this.#lentKeysOf.get(worker)?.set(key.loan, lent);
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
        this.#runExclusive(worker, message.request, message.name);
        return;
      case "turn-over":
        this.#tasksOf.get(worker)?.get(message.request)?.();
        return;
      case "sync":
        // After all that has arrived together with this: a claim that another worker sent before may be among
        // it.
        setImmediate(() => worker.send({ type: "synced", request: message.request }));
        return;
      case "news":
        this.#tellOthers(worker, message);
        return;
      case "question": {
        const { request, question } = message;
        worker.send({ type: "asked", request, others: this.#workers.size - 1 });
        this.#tellOthers(worker, { type: "question", from: worker.slot, request, question });
        return;
      }
      case "answer": {
        const { request, answer } = message;
        this.#workers.get(message.to)?.send({ type: "answer", request, answer });
        return;
      }
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

  #runExclusive(worker: SwitchboardWorker, request: number, key: string): void {
    const ends = this.#tasksOf.get(worker);
    if (ends === undefined) return;
    const over = new Promise<void>((resolve) => {
      ends.set(request, () => {
        ends.delete(request);
        resolve();
      });
    });
    // Never rejects.
    void this.#mutex.runExclusive(key, async () => {
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

/** upterm's hosts number their registrations; of other links the one that was claimed last is the newest. */
function isNewer({ session }: RouteRecord, than: RouteRecord): boolean {
  if (session === undefined || than.session === undefined) return false;
  return BigInt(session.generation) >= BigInt(than.session.generation);
}

function streamsMessage({ id, claim }: RouteRecord, slot: number, count: number): FromPrimary {
  return { type: "streams", id, claim, slot, count };
}
