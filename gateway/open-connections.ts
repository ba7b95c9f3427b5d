// What is open at this gateway and by whose leave, so that revoking the leave ends it: tunnels, SSH connections and their
// streams alike.

import type { AccountId, TokenId, WorkspaceId } from "../protocol/id.ts";

/** null: not by this, or not to one workspace. */
export interface Opened {
  readonly accountId: AccountId | null;
  readonly tokenId: TokenId | null;
  /** Fingerprint of the SSH key that signed in. */
  readonly key: string | null;
  /** null: not a stream to one workspace. */
  readonly workspaceId: WorkspaceId | null;
}

/** Everything that is given has to match. */
export type OpenedBy = Partial<{ readonly [K in keyof Opened]: NonNullable<Opened[K]> }>;

export class OpenConnections {
  readonly #open = new Map<Opened, (message: string) => void>();
  #streams = 0;

  /** Streams to hosts. */
  get streams(): number {
    return this.#streams;
  }

  /** `close` gets a sentence for the person. Returns the way out of the list. */
  add(opened: Opened, close: (message: string) => void): () => void {
    const entry = { ...opened };
    this.#open.set(entry, close);
    return () => {
      this.#open.delete(entry);
    };
  }

  /** The same for a stream to a host, which is counted. */
  addStream(opened: Opened, close: (message: string) => void): () => void {
    const leave = this.add(opened, close);
    this.#streams++;
    let isOpen = true;
    return () => {
      leave();
      if (isOpen) this.#streams--;
      isOpen = false;
    };
  }

  endWhere(condition: OpenedBy, message: string): void {
    const { accountId, tokenId, key, workspaceId } = condition;
    for (const [opened, close] of [...this.#open]) {
      if (accountId !== undefined && opened.accountId !== accountId) continue;
      if (tokenId !== undefined && opened.tokenId !== tokenId) continue;
      if (key !== undefined && opened.key !== key) continue;
      if (workspaceId !== undefined && opened.workspaceId !== workspaceId) continue;
      close(message);
    }
  }
}
