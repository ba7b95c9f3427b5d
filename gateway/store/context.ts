// What every part of the store uses: the database, the clock, and where changes and audit lines go.

import type { Kysely } from "kysely";
import type { AccountId, TokenId } from "../../protocol/values/id.ts";
import type { AuditEvent } from "../directory.ts";
import type { DirectoryChange } from "../directory-change.ts";
import type { Tables } from "./database/schema.ts";
import type { Unwritten } from "./unwritten.ts";

export interface StoreContext {
  readonly db: Kysely<Tables>;
  readonly now: () => Date;
  /** Notifies live connections. Called once the change is durable. */
  readonly changed: (change: DirectoryChange) => void;
  readonly audit: (event: AuditEvent) => void;
  /** Revocations that are not in the database yet. */
  readonly unwritten: Unwritten;
  /** Revokes a token or sign-in with all that it has made and opened; one that has ended is left alone. */
  readonly endToken: (accountId: AccountId, id: TokenId, actor: Actor) => Promise<void>;
}

/** Who made a change, and from which address; for the audit log. */
export interface Actor {
  readonly account: string;
  readonly address?: string | undefined;
}

/** How much one account, or everyone together, can make the gateway store. */
export const LIMITS = {
  accounts: 10_000,
  keysPerAccount: 100,
  pendingKeysPerAccount: 20,
  tokensPerAccount: 100,
  /** Of each kind, browsers and clients. A further one ends the one that was unused for longest. */
  signInsPerAccount: 50,
  /** Secrets of one sign-in, those included that were replaced and have not expired. */
  secretsPerSignIn: 3_000,
  /** Within ten minutes. */
  oauthCodesPerAccount: 50,
  /** Device codes that wait: of everybody, and of one address. */
  deviceCodes: 1_000,
  deviceCodesPerAddress: 10,
  /** Wrong user codes within ten minutes. Behind one address there may be a whole office. */
  deviceCodeTries: 200,
  deviceCodeTriesPerAccount: 5,
  deviceCodeTriesPerAddress: 20,
  passkeysPerAccount: 20,
  /** Links that nobody has used yet: by one administrator, who must not use up all of them, and in all. */
  openInvitationsByOne: 100,
  openInvitations: 1_000,
  /** Used and expired ones are listed for a while. */
  deadInvitations: 1_000,
  identitiesPerAccount: 20,
  workspacesPerAccount: 500,
  accountlessWorkspaces: 1_000,
  accountlessWorkspacesPerAddress: 50,
  sharesPerWorkspace: 100,
  /**
   * Offers that an account has not answered yet: by everyone together, and by one owner, who must not use up
   * all of them.
   */
  offersPerAccount: 50,
  offersByOneOwner: 10,
  ownerTokensPerWorkspace: 100,
  /** Expired and revoked tokens are kept for a while, so that their holder learns what happened. */
  deadTokens: 200,
  deadTokenDays: 30,
  accountlessWorkspaceDays: 7,
  auditRows: 100_000,
} as const;

export const daysBefore = (now: Date, days: number): string =>
  new Date(now.getTime() - days * 86_400_000).toISOString();

export const flag = (value: boolean): number => (value ? 1 : 0);
