// Open connections by the credential that allowed them, so that revoking it closes them: tunnels, SSH
// connections and their streams. Each entry itself names everything that it depends on, since its workspace
// may belong to a different account, and its link may be held by another process or have ended.

import type { ConnectionKind } from "../protocol/admin-api.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { FairSlots } from "../protocol/flow/fair-slots.ts";
import { addressBlock } from "../protocol/values/address-block.ts";
import {
  type AccountId,
  type ConnectionId,
  newConnectionId,
  type TokenId,
  type WorkspaceId,
} from "../protocol/values/id.ts";
import type { WorkspaceRecord } from "./directory.ts";
import type { Link } from "./link/link.ts";

export interface Opened {
  /** The account that opened it; null: it was opened without an account. */
  readonly accountId: AccountId | null;
  /** The access token or owner token that allowed it. */
  readonly tokenId: TokenId | null;
  /** Fingerprint of the SSH key that signed in. */
  readonly key: string | null;
  /** The workspace that it reaches; null: none, or none yet. */
  readonly to: ReachedWorkspace | null;
}

export interface ReachedWorkspace {
  readonly workspaceId: WorkspaceId;
  /** null: it belongs to no account. */
  readonly ownerId: AccountId | null;
  /** The workspace's link, which changes when the host registers again; undefined: none yet. */
  link: Pick<Link, "credential"> | undefined;
}

export function reachedWorkspace(
  { id, owner }: WorkspaceRecord,
  link: ReachedWorkspace["link"],
): ReachedWorkspace {
  return { workspaceId: id, ownerId: owner?.id ?? null, link };
}

/** What a revocation names. Every given property must match. */
interface OpenedBy {
  readonly accountId?: AccountId;
  readonly tokenId?: TokenId;
  readonly key?: string;
  readonly workspaceId?: WorkspaceId;
  /** The owner of the workspace that it reaches. */
  readonly ownerId?: AccountId;
  /** The access token that the workspace's host registered with. */
  readonly hostTokenId?: TokenId;
}

interface Entry {
  readonly opened: Opened;
  readonly close: (message: string) => void;
  readonly stream: Stream | undefined;
}

interface Stream {
  readonly how: ConnectionKind;
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Made when somebody first asks: thousands of tunnels need none. */
  id: ConnectionId | undefined;
}

/** Which streams to a workspace somebody may see and end: those of one account or, for null, all. */
export interface StreamsOf {
  readonly workspaceId: WorkspaceId;
  readonly accountId: AccountId | null;
}

/** An open stream to a workspace. */
export interface OpenStream {
  readonly id: ConnectionId;
  readonly how: ConnectionKind;
  readonly accountId: AccountId | null;
  readonly tokenId: TokenId | null;
  readonly key: string | null;
  readonly address: string;
  readonly since: number;
}

export class OpenConnections {
  readonly #open = new Set<Entry>();
  readonly #streams: FairSlots;

  /**
   * @param maxStreams streams to hosts, shared fairly by accounts and, for clients without one, by addresses
   */
  constructor(maxStreams: number) {
    this.#streams = new FairSlots({ total: maxStreams });
  }

  /** Streams to hosts. */
  get streams(): number {
    return this.#streams.size;
  }

  /** `close` gets the reason, as a clause for the person. Returns a function that removes the entry. */
  add(opened: Opened, close: (message: string) => void): () => void {
    return this.#add({ opened, close, stream: undefined });
  }

  /**
   * As `add`, for a stream to a host, which is counted and listed. `address`: the client's.
   * @throws ProtocolError gateway_full
   */
  addStream(
    opened: Opened,
    { how, address }: { readonly how: ConnectionKind; readonly address: string },
    close: (message: string) => void,
  ): () => void {
    // Never evicted: it carries a person's work.
    const slot = this.#streams.enter([holderOf(opened, address)], () => undefined);
    if (typeof slot === "string") {
      throw new ProtocolError(
        "gateway_full",
        slot === "full"
          ? "The gateway has as many streams open as it allows; try again later."
          : "Your streams take their share of what the gateway has free: close some, or try again later.",
      );
    }
    const leave = this.#add({ opened, close, stream: { how, address, since: Date.now(), id: undefined } });
    return () => {
      leave();
      slot.leave();
    };
  }

  /** Newest first, at most `limit`; `more`: there are more. */
  list(wanted: StreamsOf, limit: number): { connections: OpenStream[]; more: boolean } {
    const found = [...this.#streamsOf(wanted)];
    found.sort((a, b) => b.stream.since - a.stream.since);
    const connections = found.slice(0, limit).map(({ opened: { accountId, tokenId, key }, stream }) => {
      stream.id ??= newConnectionId();
      const { id, how, address, since } = stream;
      return { id, how, accountId, tokenId, key, address, since };
    });
    return { connections, more: found.length > limit };
  }

  /** Ends one stream of those. Returns how it was made; undefined: there is no such stream. */
  end(wanted: StreamsOf, id: ConnectionId, message: string): ConnectionKind | undefined {
    for (const { stream, close } of this.#streamsOf(wanted)) {
      if (stream.id !== id) continue;
      close(message);
      return stream.how;
    }
    return undefined;
  }

  *#streamsOf({ workspaceId, accountId }: StreamsOf): Generator<Entry & { readonly stream: Stream }> {
    const condition = accountId === null ? { workspaceId } : { workspaceId, accountId };
    for (const { opened, close, stream } of this.#open) {
      if (stream !== undefined && matches(opened, condition)) yield { opened, close, stream };
    }
  }

  #add(entry: Entry): () => void {
    this.#open.add(entry);
    return () => {
      this.#open.delete(entry);
    };
  }

  endWhere(condition: OpenedBy, message: string): void {
    for (const { opened, close } of [...this.#open]) if (matches(opened, condition)) close(message);
  }
}

/**
 * The holder of the share that it counts against: its account, else the owner of the workspace, else its
 * address.
 */
export function holderOf({ accountId, to }: Pick<Opened, "accountId" | "to">, address: string): string {
  const account = accountId ?? to?.ownerId ?? null;
  return account ?? addressHolder(address);
}

/** For IPv6 the holder is the /64: one customer has that many addresses. */
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
