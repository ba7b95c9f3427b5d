// What is open at this gateway and by whose leave, so that revoking the leave ends it: tunnels, SSH connections and their
// streams alike. Each names all that it depends on itself: what it goes to may be somebody else's, and the link that
// brought it there may be held by another process, or be gone by now.

import { ProtocolError } from "../protocol/errors.ts";
import { FairSlots } from "../protocol/fair-slots.ts";
import { addressBlock } from "../protocol/values/address-block.ts";
import type { AccountId, TokenId, WorkspaceId } from "../protocol/values/id.ts";
import type { WorkspaceRecord } from "./directory.ts";
import type { Link } from "./link/link.ts";

export interface Opened {
  /** Who opened it; null: nobody who has an account. */
  readonly accountId: AccountId | null;
  /** The access token or owner token that let it in. */
  readonly tokenId: TokenId | null;
  /** Fingerprint of the SSH key that signed in. */
  readonly key: string | null;
  /** null: it goes to no workspace, or not yet. */
  readonly to: ReachedWorkspace | null;
}

export interface ReachedWorkspace {
  readonly workspaceId: WorkspaceId;
  /** null: it belongs to no account. */
  readonly ownerId: AccountId | null;
  /** What brings it there: a different one once the host has registered again. undefined: none yet. */
  link: Pick<Link, "credential"> | undefined;
}

export function reachedWorkspace(
  { id, owner }: WorkspaceRecord,
  link: ReachedWorkspace["link"],
): ReachedWorkspace {
  return { workspaceId: id, ownerId: owner?.id ?? null, link };
}

/** What a revocation names. Everything that is given has to match. */
export interface OpenedBy {
  readonly accountId?: AccountId;
  readonly tokenId?: TokenId;
  readonly key?: string;
  readonly workspaceId?: WorkspaceId;
  /** Whose workspace it goes to. */
  readonly ownerId?: AccountId;
  /** The access token that the workspace's host registered with. */
  readonly hostTokenId?: TokenId;
}

interface Entry {
  readonly opened: Opened;
  readonly close: (message: string) => void;
}

export class OpenConnections {
  readonly #open = new Set<Entry>();
  readonly #streams: FairSlots;

  /** @param maxStreams streams to hosts, of which each account has its share, and each address of those who have none */
  constructor(maxStreams: number) {
    this.#streams = new FairSlots({ total: maxStreams });
  }

  /** Streams to hosts. */
  get streams(): number {
    return this.#streams.size;
  }

  /** `close` gets a sentence for the person. Returns the way out of the list. */
  add(opened: Opened, close: (message: string) => void): () => void {
    const entry = { opened, close };
    this.#open.add(entry);
    return () => {
      this.#open.delete(entry);
    };
  }

  /**
   * The same for a stream to a host, which is counted. `address`: the client's.
   * @throws ProtocolError gateway_full
   */
  addStream(opened: Opened, address: string, close: (message: string) => void): () => void {
    // Never evicted: it carries somebody's work.
    const slot = this.#streams.enter([holderOf(opened, address)], () => undefined);
    if (typeof slot === "string") {
      throw new ProtocolError(
        "gateway_full",
        slot === "full"
          ? "The gateway has as many streams open as it allows; try again later."
          : "Your streams take their share of what the gateway has free: close some, or try again later.",
      );
    }
    const leave = this.add(opened, close);
    return () => {
      leave();
      slot.leave();
    };
  }

  endWhere(condition: OpenedBy, message: string): void {
    for (const { opened, close } of [...this.#open]) if (matches(opened, condition)) close(message);
  }
}

/** Whose share it counts for: an account's, that of the workspace which an owner token opens, or an address's. */
export function holderOf({ accountId, to }: Pick<Opened, "accountId" | "to">, address: string): string {
  const account = accountId ?? to?.ownerId ?? null;
  return account ?? addressHolder(address);
}

/** Of an IPv6 address the /64: one customer has that many. */
export function addressHolder(address: string): string {
  return `address ${addressBlock(address)}`;
}

function matches({ accountId, tokenId, key, to }: Opened, wanted: OpenedBy): boolean {
  const is = <T>(actual: T | null | undefined, expected: T | undefined): boolean =>
    expected === undefined || actual === expected;
  return (
    is(accountId, wanted.accountId) &&
    is(tokenId, wanted.tokenId) &&
    is(key, wanted.key) &&
    is(to?.workspaceId, wanted.workspaceId) &&
    is(to?.ownerId, wanted.ownerId) &&
    is(to?.link?.credential?.tokenId, wanted.hostTokenId)
  );
}
