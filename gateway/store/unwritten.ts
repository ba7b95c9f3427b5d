// Revocations that could not be written, because the disk is full or read-only. They take effect at once in
// every process: they are kept in memory, every check for access looks them up, and they are written as soon
// as the disk allows it.

import type { Logger } from "pino";
import { assertNever } from "../../protocol/assert-never.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS } from "../../protocol/limits.ts";
import type { AccountId, TokenId, WorkspaceId } from "../../protocol/values/id.ts";
import type { DirectoryChange } from "../directory-change.ts";
import { reasonOf } from "../program/start-error.ts";

/**
 * `pending`: a revocation is in effect, but lost if every process of the gateway ends before it is written.
 */
export type Durability = "written" | "pending";

export type Revocation = Extract<
  DirectoryChange,
  {
    kind:
      | "workspace-removed"
      | "workspace-frozen"
      | "share-removed"
      | "key-removed"
      | "key-frozen"
      | "token-revoked"
      | "account-disabled";
  }
>;

interface UnwrittenOptions {
  readonly log: Logger;
  /** Notifies live connections in this process, and the other processes. */
  readonly changed: (change: DirectoryChange, durability: Durability) => void;
  /** Writes a revocation of another process, which has ended. */
  readonly write: (revocation: Revocation) => Promise<void>;
}

export class Unwritten {
  readonly #options: UnwrittenOptions;
  /** By `keyOf`. `from` is the process that will write it. */
  readonly #pending = new Map<string, { readonly revocation: Revocation; readonly from: object }>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #isClosed = false;

  constructor(options: UnwrittenOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** All of them, for a process that has just started. */
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

  isFrozen(id: WorkspaceId): boolean {
    return this.has({ kind: "workspace-frozen", id });
  }

  /** Whether the workspace is removed, or no longer shared with this account. */
  isOutOfReach(id: WorkspaceId, accountId: AccountId): boolean {
    return this.isRemoved(id) || this.has({ kind: "share-removed", id, accountId });
  }

  /**
   * Revokes something, written to the database or not.
   * @param write writes the revocation and announces it; it may be called again
   * @param read returns the changes to announce where writing fails; reading still works on a full disk
   * @throws ProtocolError that of `write` or `read`
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
      // It was requested before, and somebody is already trying to write it.
      if (!changes.some((change) => isRevocation(change) && !this.has(change))) return "pending";
      const kinds = changes.map(({ kind }) => kind);
      this.#options.log.error(
        { err: error, kinds },
        `A revocation is in effect but could not be written (${reasonOf(error)}); the gateway keeps trying.`,
      );
      for (const change of changes) this.#options.changed(change, "pending");
      this.#retry(write, changes, BACKOFF_MIN_MS);
      return "pending";
    }
  }

  /**
   * Takes note of a change that this process or another one has announced. Once it is written it is no longer
   * pending.
   * @param from the other process, as `adopt` gets it
   */
  follow(change: DirectoryChange, durability: Durability, from: object = this): void {
    const undone = undoneBy(change);
    if (undone !== undefined) {
      this.#pending.delete(keyOf(undone));
    } else if (isRevocation(change)) {
      if (durability === "pending") this.#pending.set(keyOf(change), { revocation: change, from });
      else this.#pending.delete(keyOf(change));
    }
  }

  /** A process has ended: this one writes what that one could not. */
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
      // Somebody may have undone it: the account was enabled again.
      const isMeant = changes.some((change) => isRevocation(change) && this.has(change));
      if (!isMeant || this.#isClosed) return;
      write().then(
        () => this.#written(changes),
        (error: unknown) => {
          // Another process has written it.
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
    case "workspace-frozen":
    case "share-removed":
    case "key-removed":
    case "key-frozen":
    case "token-revoked":
    case "account-disabled":
      return true;
    case "keys":
    case "workspace":
    case "workspace-unfrozen":
    case "key-unfrozen":
    case "offers":
    case "account-enabled":
      return false;
    default:
      return assertNever(change);
  }
}

/** The revocation that a change takes back. */
function undoneBy(change: DirectoryChange): Revocation | undefined {
  switch (change.kind) {
    case "account-enabled":
      return { kind: "account-disabled", accountId: change.accountId };
    case "workspace-unfrozen":
      return { kind: "workspace-frozen", id: change.id };
    case "key-unfrozen":
      return { kind: "key-frozen", accountId: change.accountId, fingerprint: change.fingerprint };
    default:
      return undefined;
  }
}

/** Equal revocations have equal keys, whatever the order of their fields. */
function keyOf(revocation: Revocation): string {
  return JSON.stringify(Object.entries(revocation).toSorted());
}

/** SQLite's primary result codes (sqlite3.h): busy, read-only, I/O error, full, can't open. */
const UNWRITABLE: ReadonlySet<number> = new Set([5, 8, 10, 13, 14]);

/** Whether the database failed because the disk does not take what it writes. */
function isUnwritable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
  // Where SQLite has already rolled back a transaction, Kysely's own rollback fails.
  return (code !== undefined && UNWRITABLE.has(code)) || error.message.includes("no transaction is active");
}

/** For writes that can be lost, such as a token's last use: a full disk must not keep anybody out. */
export function unlessUnwritable(error: unknown): void {
  if (!isUnwritable(error)) throw error;
}
