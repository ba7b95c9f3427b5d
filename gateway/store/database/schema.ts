// The tables as types for Kysely. Times are ISO 8601 in UTC (as text, they sort by time), booleans are 0 or
// 1, and lists are JSON text, so that SQLite and PostgreSQL could store the same.

import type { BrowserUrl } from "../../../protocol/values/browser-url.ts";
import type { Folder } from "../../../protocol/values/folder.ts";
import type { AccountId, KeyId, TokenId, WorkspaceId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";
import type { KeyType } from "../../../protocol/values/ssh-public-key.ts";
import type {
  DeviceCodeRow,
  DeviceCodeTryRow,
  IdentityRow,
  InvitationRow,
  OAuthCodeRow,
  PasskeyRow,
  ProviderTestRow,
  ScimUserRow,
  SignInRow,
  SignInSecretRow,
  UsedChallengeRow,
} from "./sign-in-schema.ts";

export interface Tables {
  accounts: AccountRow;
  access_tokens: AccessTokenRow;
  ssh_keys: SshKeyRow;
  pending_keys: PendingKeyRow;
  workspaces: WorkspaceRow;
  shares: ShareRow;
  owner_tokens: OwnerTokenRow;
  audit: AuditRow;
  sign_ins: SignInRow;
  sign_in_secrets: SignInSecretRow;
  identities: IdentityRow;
  passkeys: PasskeyRow;
  used_challenges: UsedChallengeRow;
  invitations: InvitationRow;
  scim_users: ScimUserRow;
  provider_tests: ProviderTestRow;
  oauth_codes: OAuthCodeRow;
  device_codes: DeviceCodeRow;
  device_code_tries: DeviceCodeTryRow;
}

export interface AccountRow {
  id: AccountId;
  name: Name;
  admin: number;
  disabled: number;
  created_at: string;
  /** The identity provider whose rules decide `admin` at each sign-in; null: the gateway's administrators do. */
  role_from: string | null;
}

export interface AccessTokenRow {
  id: TokenId;
  account_id: AccountId;
  title: string;
  /** SHA-256 of the token in lower-case hex. The token itself is not stored. */
  hash: string;
  /** JSON array of scopes. */
  scopes: string;
  /**
   * The workspace that it is bound to; null: not bound yet, or never (`reusable`, or a token that manages the
   * account).
   */
  workspace_id: WorkspaceId | null;
  /** The name that it was made for, or the workspace's name when the token was bound. */
  workspace_name: Name | null;
  reusable: number;
  /** The access token that made it and that it ends with; null: the gateway itself made it. */
  parent_id: TokenId | null;
  /** How many generations of parents it has. */
  depth: number;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  /** `browser`, `client`: the row is a sign-in. Its secrets are in `sign_in_secrets`, and nothing has its `hash`. */
  kind: "token" | "browser" | "client";
  /** The address that it was last used from; null: not known. */
  last_used_from: string | null;
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
  /** null: registered by a version that did not require a proof. */
  proved_at: string | null;
  last_used_at: string | null;
  last_used_from: string | null;
  /** A frozen key opens nothing until it is unfrozen. */
  frozen_at: string | null;
}

export interface PendingKeyRow {
  id: KeyId;
  account_id: AccountId;
  title: string;
  type: KeyType;
  blob: string;
  /** Unique per account only. */
  fingerprint: string;
  /** Part of the text to sign; empty once it is used up. */
  nonce: string;
  nonce_expires_at: string;
  /** Typed to prove the key by SSH. It opens nothing without the private key. */
  code: string;
  created_at: string;
  expires_at: string;
}

export interface WorkspaceRow {
  id: WorkspaceId;
  /** null: an accountless workspace. Such rows may share a name. */
  owner_id: AccountId | null;
  name: Name;
  /** The name that the host last asked for: it tells a renamed workspace from a new one. */
  asked_name: Name;
  /** JSON array of authorized_keys lines. */
  host_keys: string;
  /** JSON array of `HeldHostKey`. */
  held_host_keys: string;
  /** Fingerprint of a changed key that the owner has accepted, until its host registers. */
  accepted_host_key: string | null;
  end_to_end_only: number;
  owner_tokens: number;
  browser_url: BrowserUrl | null;
  folder: Folder | null;
  created_at: string;
  last_seen_at: string | null;
  /** For an accountless workspace: the address (for IPv6 the /64) that its host first registered from. */
  registered_from: string | null;
  /** A frozen workspace takes neither its host nor clients until it is unfrozen. */
  frozen_at: string | null;
}

interface ShareRow {
  workspace_id: WorkspaceId;
  account_id: AccountId;
  created_at: string;
  /** null: an offer that the account has not accepted. */
  accepted_at: string | null;
  /** null: until it is taken back. */
  expires_at: string | null;
}

export interface OwnerTokenRow {
  id: TokenId;
  workspace_id: WorkspaceId;
  hash: string;
  /** The access token that made it and that it ends with; null: made before parents were recorded. */
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
