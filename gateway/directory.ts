// What links, tunnels and SSH sign-in ask of the gateway's durable state. The store implements it; nothing on
// the path of the bytes knows tables or SQL.

import type { Scope } from "../protocol/api.ts";
import type { PushedKey } from "../protocol/control.ts";
import type { BrowserUrl } from "../protocol/values/browser-url.ts";
import type { Folder } from "../protocol/values/folder.ts";
import type { AccountId, TokenId, WorkspaceId } from "../protocol/values/id.ts";
import type { Name, WorkspaceRef } from "../protocol/values/name.ts";
import type { DirectoryChange } from "./directory-change.ts";

/** Whom a checked access token identifies. */
export interface Identity {
  readonly account: { readonly id: AccountId; readonly name: Name; readonly admin: boolean };
  readonly tokenId: TokenId;
  readonly scopes: ReadonlySet<Scope>;
  readonly registers: RegistrationRight;
  /** What signed in: an access token, a browser session, or a client of the authorization server. */
  readonly kind: "token" | "browser" | "client";
  /** When the person behind a sign-in last proved who they are; null for an access token. */
  readonly authenticatedAt: Date | null;
  /**
   * The parent of tokens that this identity makes: they end with it. What is made in a browser outlives the
   * browser's session, so there it is the session's own parent, if it has one.
   */
  readonly mintsUnder: TokenId | null;
}

/** Which workspaces of its account a token with the scope `host` may register. */
export type RegistrationRight =
  | { readonly kind: "any" }
  /** The first one that it registers, and from then on only that one. `name`: it was made for this one. */
  | { readonly kind: "first"; readonly name: Name | null }
  | { readonly kind: "one"; readonly id: WorkspaceId; readonly name: Name };

/**
 * An account that a registered key or a certificate names. A disabled one is told so, once the key is proved.
 */
export interface AccountRecord {
  readonly id: AccountId;
  readonly name: Name;
  readonly disabled: boolean;
}

/** The holder of a registered key. A frozen key opens nothing; its holder is told so, once the key is proved. */
export interface KeyHolder extends AccountRecord {
  readonly keyFrozen: boolean;
}

/** What an owner token opens: one workspace, until a time. */
export interface OwnerGrant {
  readonly workspaceId: WorkspaceId;
  /** Whose workspace it is. */
  readonly ownerId: AccountId | null;
  readonly tokenId: TokenId;
  readonly expiresAt: Date;
}

/** The part of an identity that decides which workspaces it reaches. */
export interface AccountIdentity {
  readonly account: { readonly id: AccountId; readonly name: Name };
}

export interface WorkspaceRecord {
  readonly id: WorkspaceId;
  readonly name: Name;
  /** null: registered without an account; the id is then the secret. */
  readonly owner: { readonly id: AccountId; readonly name: Name } | null;
  /** authorized_keys form, without comments. */
  readonly hostKeys: readonly string[];
  /** Different keys that hosts presented under this workspace's name; newest last. */
  readonly heldHostKeys: readonly HeldHostKey[];
  /** Fingerprint of a key that the owner has accepted, until its host has registered; null: none. */
  readonly acceptedHostKey: string | null;
  readonly endToEndOnly: boolean;
  readonly ownerTokens: boolean;
  /** It takes neither its host nor clients until it is unfrozen (`requireUnfrozen`). */
  readonly frozen: boolean;
  readonly browserUrl: BrowserUrl | null;
  readonly folder: Folder | null;
  readonly createdAt: Date;
  readonly lastSeenAt: Date | null;
}

/** A changed host key that waits for the owner's decision, or was declined. */
export interface HeldHostKey {
  readonly fingerprint: string;
  /** authorized_keys form, without a comment. */
  readonly publicKey: string;
  readonly since: string;
  /** The address of its host. */
  readonly address: string;
  readonly declined: boolean;
}

export interface Registration {
  readonly identity: Identity | null;
  /** The host's address. */
  readonly address: string;
  readonly name: Name;
  /** The record that `findRegistered` gave, or null for a new workspace. */
  readonly existing: WorkspaceRecord | null;
  readonly hostKeys: readonly string[];
  readonly endToEndOnly: boolean;
  readonly ownerTokens: boolean;
  /** Both as the host names them now; null removes what it named before. */
  readonly browserUrl: BrowserUrl | null;
  readonly folder: Folder | null;
  /**
   * Whether a workspace is online, so that it is not deleted to make room for a new one. Missing: none is.
   */
  readonly isOnline?: (id: WorkspaceId) => boolean;
}

export interface Directory {
  /**
   * Checks an access token as it came from the wire.
   * @param address the client's, for the list of tokens
   * @throws ProtocolError bad_token, token_unknown, token_expired, token_revoked, account_disabled
   */
  authenticate(bearer: string, address?: string): Promise<Identity>;
  /** Checks a token again that was good before; same errors. */
  recheck(tokenId: TokenId): Promise<Identity>;
  /** Checks an owner token; same errors, and `forbidden` where the host does not take owner tokens. */
  authenticateOwnerToken(bearer: string): Promise<OwnerGrant>;
  /** The account that has proved a public key; `fingerprint` as `ssh-keygen -l` prints it. */
  accountByKey(fingerprint: string): Promise<KeyHolder | undefined>;
  /** Somebody has signed in with a registered key, from this address. It never fails. */
  keyUsed(fingerprint: string, address: string): Promise<void>;
  /** Whether this is a pending key: an account has named it and has not proved it. */
  isNamedKey(fingerprint: string): Promise<boolean>;
  /**
   * Registers a key with the account that `code` belongs to. The caller has checked a signature by the key.
   * @throws ProtocolError bad_proof, account_disabled, key_taken, limit_reached, not_found
   */
  confirmKey(fingerprint: string, code: string, address: string): Promise<Name>;
  accountByName(name: Name): Promise<AccountRecord | undefined>;
  /**
   * Finds a workspace that `identity` may reach: its own, or one shared with it (as `name.owner`, or by id).
   * With null, only accountless workspaces are found, by id.
   * @throws ProtocolError workspace_unknown, the same for one that does not exist and one of a different
   *   account
   */
  resolveWorkspace(ref: WorkspaceRef, identity: AccountIdentity | null): Promise<WorkspaceRecord>;
  workspace(id: WorkspaceId): Promise<WorkspaceRecord | undefined>;
  /**
   * The workspace that a registering host would take over: by account and name or, without an account, by id.
   * undefined: there is none, so registering creates one.
   * @throws ProtocolError token_bound: the token is for a different workspace
   */
  findRegistered(
    identity: Identity | null,
    name: Name,
    workspaceId: WorkspaceId | null,
  ): Promise<WorkspaceRecord | undefined>;
  /**
   * Creates or updates the workspace and returns it. The token is bound to it from then on, unless it
   * registers any.
   * @throws ProtocolError host_key_held: its key has changed, and waits for the owner's decision;
   *   identity_mismatch: the owner has declined this key, or there is no owner to ask; token_bound
   */
  register(registration: Registration): Promise<WorkspaceRecord>;
  /** Sets lastSeenAt to now. */
  seen(id: WorkspaceId): Promise<void>;
  /** Keys of the owner and of every enabled account that the workspace is shared with. */
  pushedKeys(id: WorkspaceId): Promise<PushedKey[]>;
  /** Returns a function that ends the subscription. */
  onChange(listener: (change: DirectoryChange) => void): () => void;
  audit(event: AuditEvent): void;
}

/** One line of the audit log. It never holds a secret: it names tokens by id, keys by fingerprint. */
export interface AuditEvent {
  /** Such as `link.registered`, `tunnel.closed`, `token.created`, `sign-in.refused`. */
  readonly event: string;
  readonly account?: string | undefined;
  readonly workspace?: string | undefined;
  readonly address?: string | undefined;
  readonly token?: string | undefined;
  readonly key?: string | undefined;
  readonly code?: string | undefined;
  readonly bytesIn?: number | undefined;
  readonly bytesOut?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly detail?: string | undefined;
}
