// The tables of sign-in as types for Kysely; the conventions are those of schema.ts.

import type { SignInMethod } from "../../../protocol/sign-in/api.ts";
import type { AccountId, IdentityId, InvitationId, PasskeyId, TokenId } from "../../../protocol/values/id.ts";
import type { Name } from "../../../protocol/values/name.ts";

/** What a browser session or a signed-in client has beyond its row in `access_tokens`. */
export interface SignInRow {
  token_id: TokenId;
  /** `dashboard`, or an OAuth client. */
  client: string;
  /** As it calls itself. */
  device: string;
  method: SignInMethod;
  /** The provider's id in the configuration. */
  provider: string | null;
  identity_id: IdentityId | null;
  /** `sid` of the ID token, for back-channel logout. */
  idp_session: string | null;
  /** The provider's refresh token, sealed. */
  sealed_refresh: string | null;
  /** The ID token, sealed: its hint is asked for at the provider's sign-out. */
  sealed_id_token: string | null;
  /** When the provider last confirmed that the person may still sign in. */
  provider_checked_at: string | null;
  /** When the person last proved who they are. */
  authenticated_at: string;
  /** Moves on with use. `expires_at` of the token bounds it. */
  idle_expires_at: string;
}

export interface SignInSecretRow {
  /** SHA-256, as for access tokens. */
  hash: string;
  token_id: TokenId;
  kind: "session" | "access" | "refresh";
  expires_at: string;
  /** When a newer one took its place. It is still taken for a short while, since answers get lost. */
  replaced_at: string | null;
  /** The refresh token that took its place, sealed so that only who has the replaced one can open it. */
  successor: string | null;
}

export interface IdentityRow {
  id: IdentityId;
  account_id: AccountId;
  provider: string;
  issuer: string;
  subject: string;
  /** For people only: an e-mail address or a name. */
  display: string;
  created_at: string;
  last_sign_in_at: string | null;
}

export interface PasskeyRow {
  id: PasskeyId;
  account_id: AccountId;
  title: string;
  /** base64url. */
  credential_id: string;
  /** COSE key, base64url. */
  public_key: string;
  counter: number;
  /** JSON array. */
  transports: string;
  /** The access token that the browser was signed in with when it was made; it goes when that one is revoked. */
  parent_id: TokenId | null;
  created_at: string;
  last_used_at: string | null;
}

/** A challenge that a passkey has answered: it is good once. Only successful sign-ins make a row. */
export interface UsedChallengeRow {
  hash: string;
  expires_at: string;
}

export interface InvitationRow {
  id: InvitationId;
  hash: string;
  kind: "account" | "sign-in" | "identity";
  /** The account that it is for; null: it makes one. */
  account_id: AccountId | null;
  /** The name that the new account gets; null: the person chooses. */
  name: Name | null;
  admin: number;
  /** An account's name, or the command on the server; for people. */
  created_by: string;
  /** It is good only while this account is an enabled administrator; null: it was made on the server. */
  creator_id: AccountId | null;
  /** The access token that made it and that it ends with; null: none. */
  parent_id: TokenId | null;
  created_at: string;
  expires_at: string;
  used_at: string | null;
}

export interface ScimUserRow {
  account_id: AccountId;
  /** As the identity provider writes it. */
  user_name: string;
  /** The same for all spellings of it: letters of either case are equal (RFC 7643 §4.1.1). */
  user_key: string;
  external_id: string | null;
  display: string;
  /** The identity provider has disabled the account: only then may it enable it. */
  disabled_by_scim: number;
  created_at: string;
  changed_at: string;
}

/** What an administrator's test of a provider brought: one per browser session. */
export interface ProviderTestRow {
  token_id: TokenId;
  provider: string;
  /** JSON. */
  result: string;
  created_at: string;
}

/** An authorization code. It stays until it expires, so that a second use is noticed. */
export interface OAuthCodeRow {
  hash: string;
  account_id: AccountId;
  client: string;
  device: string;
  redirect_uri: string;
  /** PKCE, S256. */
  challenge: string;
  scopes: string;
  /** The browser session in which the person consented. */
  session_id: TokenId;
  expires_at: string;
  used_at: string | null;
  /** When it came a second time. */
  replayed_at: string | null;
  /** The sign-in that it gave. */
  token_id: TokenId | null;
}

export interface DeviceCodeRow {
  hash: string;
  user_code: string;
  client: string;
  device: string;
  scopes: string;
  /** The address that asked for it. */
  address: string;
  /** What of it counts as one client. */
  address_block: string;
  created_at: string;
  expires_at: string;
  polled_at: string | null;
  interval_s: number;
  state: "pending" | "approved" | "denied";
  account_id: AccountId | null;
  /** The browser session in which the person decided. */
  session_id: TokenId | null;
}

/** Somebody typed a user code that there is not. */
export interface DeviceCodeTryRow {
  account_id: AccountId;
  address_block: string;
  tried_at: string;
}
