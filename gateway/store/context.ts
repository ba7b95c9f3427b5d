// What every part of the store works with: the database, the clock, and where its changes and audit lines go.

import type { Kysely } from "kysely";
import type { AuditEvent } from "../directory.ts";
import type { DirectoryChange } from "../directory-change.ts";
import type { Tables } from "./database/schema.ts";
import type { Unwritten } from "./unwritten.ts";

export interface StoreContext {
  readonly db: Kysely<Tables>;
  readonly now: () => Date;
  /** Tells live connections; called after the change is durable. */
  readonly changed: (change: DirectoryChange) => void;
  readonly audit: (event: AuditEvent) => void;
  /** What was taken back and is not in the database yet. */
  readonly unwritten: Unwritten;
}

/** Who made a change and from where, for the audit log. */
export interface Actor {
  readonly account: string;
  readonly address?: string | undefined;
}

/** Bounds on what one account, or everyone together, can make the gateway store. */
export const LIMITS = {
  accounts: 10_000,
  keysPerAccount: 100,
  /** Named, and not proved yet. */
  pendingKeysPerAccount: 20,
  tokensPerAccount: 100,
  workspacesPerAccount: 500,
  openWorkspaces: 1_000,
  openWorkspacesPerAddress: 50,
  sharesPerWorkspace: 100,
  /** Offers that an account has not answered yet: in all, and by one owner, who must not use up all of them. */
  offersPerAccount: 50,
  offersByOneOwner: 10,
  ownerTokensPerWorkspace: 100,
  /** Expired and revoked tokens are kept a while, so that their holder is told what happened. */
  deadTokens: 200,
  deadTokenDays: 30,
  openWorkspaceDays: 7,
  auditRows: 100_000,
} as const;

/** A token's last use is written at most this often: reading must not turn into writing. */
export const LAST_USED_MS = 60_000;

export const daysBefore = (now: Date, days: number): string =>
  new Date(now.getTime() - days * 86_400_000).toISOString();

export const flag = (value: boolean): number => (value ? 1 : 0);
