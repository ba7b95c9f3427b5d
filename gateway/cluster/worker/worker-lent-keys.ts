// The keys that are lent to workspaces, as one worker knows them: those that it lends, which it tells the
// others, and those of the others. Every worker knows all of them, since a host that was cut off may register
// again at any worker.

import type { PushedKey } from "../../../protocol/control.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import { type KeyLender, type LentKey, LentKeys } from "../../link/lent-keys.ts";
import type { Channel } from "../channel.ts";
import type { FromPrimary } from "../messages.ts";

export class WorkerLentKeys implements KeyLender {
  readonly #channel: Channel;
  readonly #lentKeys = new LentKeys();
  /** Keys of other workers, by `<slot>/<loan>`: the functions that take them back. */
  readonly #elsewhere = new Map<string, () => void>();
  #last = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  lend(id: WorkspaceId, { key, until }: LentKey): () => void {
    const loan = ++this.#last;
    const takeBack = this.#lentKeys.lend(id, { key, until });
    this.#channel.send({ type: "lend", loan, id, key, until });
    return () => {
      takeBack();
      this.#channel.send({ type: "take-back", loan });
    };
  }

  of(id: WorkspaceId): PushedKey[] {
    return this.#lentKeys.of(id);
  }

  dropExpired(id: WorkspaceId, now: number): void {
    this.#lentKeys.dropExpired(id, now);
  }

  follow(follower: (id: WorkspaceId) => void): void {
    this.#lentKeys.follow(follower);
  }

  lent({ slot, loan, id, key, until }: Extract<FromPrimary, { type: "lent" }>): void {
    this.#elsewhere.set(`${slot}/${loan}`, this.#lentKeys.lend(id, { key, until }));
  }

  takenBack(slot: number, loan: number): void {
    this.#elsewhere.get(`${slot}/${loan}`)?.();
    this.#elsewhere.delete(`${slot}/${loan}`);
  }

  /** Takes back all keys of a worker that has ended. */
  workerGone(slot: number): void {
    for (const [name, takeBack] of [...this.#elsewhere]) {
      if (!name.startsWith(`${slot}/`)) continue;
      this.#elsewhere.delete(name);
      takeBack();
    }
  }
}
