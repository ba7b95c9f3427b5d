// Keys that are lent to workspaces: those of user certificates, which no account has registered, each for as long as the
// connection of whoever signed in with it. They are lent to the workspace and not to its link: a host ends the sessions of
// keys that it does not hear of when it registers again, and a blip is no reason to end any.

import type { PushedKey } from "../../protocol/control.ts";
import type { WorkspaceId } from "../../protocol/values/id.ts";

export interface LentKey {
  readonly key: PushedKey;
  /** When the certificate expires, in milliseconds since 1970; null: never. */
  readonly until: number | null;
}

export interface Lender {
  /** Returns the way to take it back. */
  lend(id: WorkspaceId, loan: LentKey): () => void;
  /** All that is lent to a workspace by now, by whichever process. */
  of(id: WorkspaceId): PushedKey[];
  /** A host registers: what was lent to its workspace goes on, but for keys whose certificate has expired meanwhile. */
  renew(id: WorkspaceId, now: number): void;
  /** Tells one subscriber, the registry, where other keys are lent than before. */
  follow(follower: (id: WorkspaceId) => void): void;
}

export class LentKeys implements Lender {
  /** By object: the same key may be lent to several connections. */
  readonly #lent = new Map<WorkspaceId, Set<LentKey>>();
  #follower: ((id: WorkspaceId) => void) | undefined;

  lend(id: WorkspaceId, loan: LentKey): () => void {
    const entry = { ...loan };
    const lent = this.#lent.get(id) ?? new Set();
    this.#lent.set(id, lent.add(entry));
    this.#follower?.(id);
    return () => {
      if (this.#remove(id, entry)) this.#follower?.(id);
    };
  }

  of(id: WorkspaceId): PushedKey[] {
    return [...(this.#lent.get(id) ?? [])].map(({ key }) => key);
  }

  renew(id: WorkspaceId, now: number): void {
    for (const loan of [...(this.#lent.get(id) ?? [])]) {
      if (loan.until !== null && loan.until <= now) this.#remove(id, loan);
    }
  }

  follow(follower: (id: WorkspaceId) => void): void {
    this.#follower = follower;
  }

  /** Whether it was there. */
  #remove(id: WorkspaceId, loan: LentKey): boolean {
    const lent = this.#lent.get(id);
    const found = lent?.delete(loan) === true;
    if (lent?.size === 0) this.#lent.delete(id);
    return found;
  }
}
