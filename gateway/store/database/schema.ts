// The tables, as Kysely's types. Times are ISO 8601 in UTC as text (they sort as they are), booleans are 0 and 1,
// lists are JSON text: the same in SQLite and PostgreSQL.

import type { BrowserUrl } from "../../../protocol/values/browser-url.ts";
import type { Folder } from "../../../protocol/values/folder.ts";
import type { AccountId, KeyId, TokenId, WorkspaceId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import type { KeyType } from "../../../protocol/values/ssh-public-key.ts";

export interface Tables {
  accounts: AccountRow;
  access_tokens: AccessTokenRow;
  ssh_keys: SshKeyRow;
  pending_keys: PendingKeyRow;
  workspaces: WorkspaceRow;
  shares: ShareRow;
  owner_tokens: OwnerTokenRow;
  audit: AuditRow;
}

export interface AccountRow {
  id: AccountId;
  name: Name;
  admin: number;
  disabled: number;
  created_at: string;
}

export interface AccessTokenRow {
  id: TokenId;
  account_id: AccountId;
  title: string;
  /** Lower-case hex SHA-256 of the token: the token itself is nowhere. */
  hash: string;
  /** JSON array of scopes. */
  scopes: string;
  /** The one workspace that it registers; null: none yet, or any (`reusable`, or a token that manages the account). */
  workspace_id: WorkspaceId | null;
  /** The name that it was made for, or that the workspace had when the token was bound to it. */
  workspace_name: Name | null;
  reusable: number;
  /** The access token that made it, whose end is its end; null: made by the gateway itself. */
  parent_id: TokenId | null;
  /** How many parents there are above it. */
  depth: number;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
}

export interface SshKeyRow {
  id: KeyId;
  account_id: AccountId;
  title: string;
  type: string;
  blob: string;
  /** SHA-256 of the blob; unique, and short enough for any database's index. */
  fingerprint: string;
  created_at: string;
  /** null: registered by a version that asked for no proof. */
  proved_at: string | null;
}

export interface PendingKeyRow {
  id: KeyId;
  account_id: AccountId;
  title: string;
  type: KeyType;
  blob: string;
  /** Unique for each account only. */
  fingerprint: string;
  /** What a signature has to be over; empty once it is used up. */
  nonce: string;
  nonce_expires_at: string;
  /** What a person types who proves the key by SSH. Opens nothing without the key's private half. */
  code: string;
  created_at: string;
  expires_at: string;
}

export interface WorkspaceRow {
  id: WorkspaceId;
  /** null: registered openly; no two such rows collide on their name. */
  owner_id: AccountId | null;
  name: Name;
  /** The name that the host last asked for: tells a workspace that was renamed from one that is new. */
  asked_name: Name;
  /** JSON array of authorized_keys lines. */
  host_keys: string;
  /** JSON array of `HeldHostKey`: keys of hosts that came under this workspace's name. */
  held_host_keys: string;
  /** Fingerprint of a key that the owner lets take over, until its host has come. */
  accepted_host_key: string | null;
  end_to_end_only: number;
  owner_tokens: number;
  browser_url: BrowserUrl | null;
  folder: Folder | null;
  created_at: string;
  last_seen_at: string | null;
  /** Of one without an account: the address (of IPv6 the /64) that its host came from first. */
  registered_from: string | null;
}

export interface ShareRow {
  workspace_id: WorkspaceId;
  account_id: AccountId;
  created_at: string;
  /** null: offered to the account, which has not accepted it. */
  accepted_at: string | null;
}

export interface OwnerTokenRow {
  id: TokenId;
  workspace_id: WorkspaceId;
  hash: string;
  /** The access token that made it, whose end is its end; null: made before this was kept. */
  parent_id: TokenId | null;
  created_at: string;
  expires_at: string;
  revoked_at: string | null;
  last_used_at: string | null;
}

export interface AuditRow {
  /** Sorts by time. */
  id: string;
  time: string;
  event: string;
  account: string | null;
  workspace: string | null;
  address: string | null;
  token: string | null;
  key: string | null;
  code: string | null;
  bytes_in: number | null;
  bytes_out: number | null;
  duration_ms: number | null;
  detail: string | null;
}
