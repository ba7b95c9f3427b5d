// Revocations that the database does not take: its disk is full, or cannot be written. They take effect all the same, at once
// and in every process, are held in memory and asked for by whatever lets somebody in, and are written as soon as that works.

import type { Logger } from "pino";
import { assertNever } from "../../protocol/assert-never.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS } from "../../protocol/limits.ts";
import type { AccountId, TokenId, WorkspaceId } from "../../protocol/values/id.ts";
import type { DirectoryChange } from "../directory-change.ts";
import { reasonOf } from "../program/start-error.ts";

/** `pending`: it is in effect, and lost if every process of the gateway ends before it can be written. */
export type Durability = "written" | "pending";

export type Revocation = Extract<
  DirectoryChange,
  { kind: "workspace-removed" | "share-removed" | "key-removed" | "token-revoked" | "account-disabled" }
>;

export interface UnwrittenOptions {
  readonly log: Logger;
  /** Tells live connections here, and the other processes. */
  readonly changed: (change: DirectoryChange, durability: Durability) => void;
  /** Writes what another process was asked for. */
  readonly write: (revocation: Revocation) => Promise<void>;
}

export class Unwritten {
  readonly #options: UnwrittenOptions;
  /** By what they say; `from` sees to it that it is written. */
  readonly #pending = new Map<string, { readonly revocation: Revocation; readonly from: object }>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #isClosed = false;

  constructor(options: UnwrittenOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** What a process that has just started has to hear of. */
  all(): Revocation[] {
    return [...this.#pending.values()].map(({ revocation }) => revocation);
  }

  has(revocation: Revocation): boolean {
    return this.#pending.size > 0 && this.#pending.has(keyOf(revocation));
  }

  isRevoked(tokenId: TokenId): boolean {
    return this.has({ kind: "token-revoked", tokenId });
  }

  isDisabled(accountId: AccountId | null): boolean {
    return accountId !== null && this.has({ kind: "account-disabled", accountId });
  }

  isRemoved(id: WorkspaceId): boolean {
    return this.has({ kind: "workspace-removed", id });
  }

  /** It is removed, or shared with this account no longer. */
  isOutOfReach(id: WorkspaceId, accountId: AccountId): boolean {
    return this.isRemoved(id) || this.has({ kind: "share-removed", id, accountId });
  }

  /**
   * Takes something back.
   * @param write does it in the database, and tells of it; may be called again
   * @param read what it takes back and who has to hear of it, for where that fails; reading still works on a full disk
   * @throws ProtocolError what `write` and `read` throw
   */
  async revoke(
    write: () => Promise<unknown>,
    read: () => Promise<readonly DirectoryChange[]>,
  ): Promise<Durability> {
    try {
      await write();
      return "written";
    } catch (error) {
      if (!isUnwritable(error)) throw error;
      const changes = await read();
      // Asked for again: somebody tries to write it already.
      if (!changes.some((change) => isRevocation(change) && !this.has(change))) return "pending";
      const kinds = changes.map(({ kind }) => kind);
      this.#options.log.error(
        { err: error, kinds },
        `A revocation is in effect but could not be written (${reasonOf(error)}); it is tried again.`,
      );
      for (const change of changes) this.#options.changed(change, "pending");
      this.#retry(write, changes, BACKOFF_MIN_MS);
      return "pending";
    }
  }

  /**
   * What this process or another one has told: a change that is written is pending no longer.
   * @param from another process; `adopt` takes the same
   */
  follow(change: DirectoryChange, durability: Durability, from: object = this): void {
    if (change.kind === "account-enabled") {
      this.#pending.delete(keyOf({ kind: "account-disabled", accountId: change.accountId }));
    } else if (isRevocation(change)) {
      if (durability === "pending") this.#pending.set(keyOf(change), { revocation: change, from });
      else this.#pending.delete(keyOf(change));
    }
  }

  /** A process has ended: what it had not written is written by this one. */
  adopt(from: object): void {
    for (const { revocation, from: holder } of this.#pending.values()) {
      if (holder === from) this.#retry(() => this.#options.write(revocation), [revocation], BACKOFF_MIN_MS);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#retries) clearTimeout(timer);
    if (this.#pending.size > 0) {
      this.#options.log.error({ count: this.#pending.size }, "Revocations were not written before the end.");
    }
  }

  #retry(write: () => Promise<unknown>, changes: readonly DirectoryChange[], wait: number): void {
    const timer = setTimeout(() => {
      this.#retries.delete(timer);
      // Taken back itself: the account is enabled again.
      const isMeant = changes.some((change) => isRevocation(change) && this.has(change));
      if (!isMeant || this.#isClosed) return;
      write().then(
        () => this.#written(changes),
        (error: unknown) => {
          // Somebody else has done it by now.
          if (error instanceof ProtocolError && error.code === "not_found") this.#written(changes);
          else this.#retry(write, changes, Math.min(wait * 2, BACKOFF_MAX_MS));
        },
      );
    }, wait);
    timer.unref();
    this.#retries.add(timer);
  }

  #written(changes: readonly DirectoryChange[]): void {
    for (const change of changes) this.#options.changed(change, "written");
    this.#options.log.info({ kinds: changes.map(({ kind }) => kind) }, "A revocation is written now.");
  }
}

function isRevocation(change: DirectoryChange): change is Revocation {
  switch (change.kind) {
    case "workspace-removed":
    case "share-removed":
    case "key-removed":
    case "token-revoked":
    case "account-disabled":
      return true;
    case "keys":
    case "workspace":
    case "offers":
    case "account-enabled":
      return false;
    default:
      return assertNever(change);
  }
}

/** The fields of each kind are in one order, since all come from one place. */
function keyOf(revocation: Revocation): string {
  return JSON.stringify(Object.entries(revocation).toSorted());
}

/** SQLite's primary result codes (sqlite3.h): busy, read-only, I/O error, full, can't open. */
const UNWRITABLE: ReadonlySet<number> = new Set([5, 8, 10, 13, 14]);

/** Whether the database failed for want of a disk that takes what is written. */
export function isUnwritable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
  // SQLite has rolled a transaction back by itself, and Kysely then fails to.
  return (code !== undefined && UNWRITABLE.has(code)) || error.message.includes("no transaction is active");
}

/** For what merely notes something: a disk that is full must not keep anybody out. */
export function unlessUnwritable(error: unknown): void {
  if (!isUnwritable(error)) throw error;
}
