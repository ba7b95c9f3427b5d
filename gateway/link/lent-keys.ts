// Keys of user certificates, which no account has registered. Each is lent to a workspace for as long as the
// connection of the person who signed in with it. A host ends the sessions of keys that are missing when it
// registers again, so keys are lent to the workspace and not to its link: a short loss of the link ends no
// session.

import type { PushedKey } from "../../protocol/control.ts";
import type { WorkspaceId } from "../../protocol/values/id.ts";

export interface LentKey {
  readonly key: PushedKey;
  /** When the certificate expires, in milliseconds since 1970; null: never. */
  readonly until: number | null;
}

export interface KeyLender {
  /** Returns a function that takes the key back. */
  lend(id: WorkspaceId, lent: LentKey): () => void;
  /** The keys that are lent to a workspace, by this process and by others. */
  of(id: WorkspaceId): PushedKey[];
  /**
   * Takes back the keys whose certificate has expired at `now` (ms since 1970): the workspace's host
   * registers.
   */
  dropExpired(id: WorkspaceId, now: number): void;
  /** Calls the one subscriber, the registry, with each workspace whose lent keys have changed. */
  follow(follower: (id: WorkspaceId) => void): void;
}

export class LentKeys implements KeyLender {
  /** By object: the same key may be lent to several connections. */
  readonly #lent = new Map<WorkspaceId, Set<LentKey>>();
  #follower: ((id: WorkspaceId) => void) | undefined;

  lend(id: WorkspaceId, lent: LentKey): () => void {
    const entry = { ...lent };
    const entries = this.#lent.get(id) ?? new Set();
    this.#lent.set(id, entries.add(entry));
    this.#follower?.(id);
    return () => {
      if (this.#remove(id, entry)) this.#follower?.(id);
    };
  }

  of(id: WorkspaceId): PushedKey[] {
    return [...(this.#lent.get(id) ?? [])].map(({ key }) => key);
  }

  dropExpired(id: WorkspaceId, now: number): void {
    for (const entry of [...(this.#lent.get(id) ?? [])]) {
      if (entry.until !== null && entry.until <= now) this.#remove(id, entry);
    }
  }

  follow(follower: (id: WorkspaceId) => void): void {
    this.#follower = follower;
  }

  /** Whether it was there. */
  #remove(id: WorkspaceId, entry: LentKey): boolean {
    const entries = this.#lent.get(id);
    const found = entries?.delete(entry) === true;
    if (entries?.size === 0) this.#lent.delete(id);
    return found;
  }
}
