// The shapes of the HTTP API (below /api/v1) and of the discovery document, as schemas. The gateway validates with them and
// serves them as OpenAPI; the agent takes its types from them. Times are ISO 8601 in UTC, durations are in seconds.

import { type Static, Type } from "typebox";
import { NONCE_PATTERN, PROOF_CODE_PATTERN } from "./key-proof.ts";
import { MAX_KEY_LINE } from "./limits.ts";
import { MAX_SSHSIG } from "./ssh/sshsig.ts";
import {
  AccountIdText,
  BrowserUrlText,
  ClientAddressText,
  closedObject,
  FingerprintText,
  FolderText,
  GatewayUrlText,
  KeyIdText,
  KeyLine,
  Keyword,
  NameText,
  Nullable,
  PrintableText,
  SshAddressObject,
  Time,
  TokenIdText,
  WebSocketUrlText,
  WorkspaceIdText,
} from "./values/fields.ts";

const Title = PrintableText(100);

/** The longest lifetime that a token may have: a year. */
const MAX_TOKEN_SECONDS = 366 * 24 * 3600;
const Seconds = Type.Integer({ minimum: 1, maximum: MAX_TOKEN_SECONDS });

export const ErrorBody = closedObject({
  code: Keyword,
  message: PrintableText(2_000),
  field: Type.Optional(PrintableText(100)),
});

const CombinedScope = Type.Union([
  Type.Literal("admin"),
  Type.Literal("account"),
  Type.Literal("connect"),
  Type.Literal("host"),
]);
/**
 * What an access token may do. `admin`: manage accounts. `account`: manage the account's own keys, tokens and
 * workspaces. `connect`: list and reach workspaces. `host`: register workspaces. No scope includes another.
 * `scim`: an identity provider makes and disables accounts with it; it goes with no other scope.
 */
export const Scope = Type.Union([...CombinedScope.anyOf, Type.Literal("scim")]);
export type Scope = Static<typeof Scope>;
/** The scopes that go together. */
export const SCOPES = ["admin", "account", "connect", "host"] as const satisfies readonly Scope[];
/** The scopes that a token can be made with. */
export const TOKEN_SCOPES = [...SCOPES, "scim"] as const satisfies readonly Scope[];

export const Account = closedObject({
  id: AccountIdText,
  name: NameText,
  admin: Type.Boolean(),
  disabled: Type.Boolean(),
  createdAt: Time,
});
export type Account = Static<typeof Account>;
export const CreateAccount = closedObject({ name: NameText, admin: Type.Optional(Type.Boolean()) });
export const UpdateAccount = closedObject({ disabled: Type.Boolean() });

export const AccessTokenInfo = closedObject({
  id: TokenIdText,
  title: Title,
  scopes: Type.Array(CombinedScope),
  /** The token has the scope `scim`, and `scopes` is empty: older clients refuse a list with a scope that is new to them. */
  scim: Type.Optional(Type.Boolean()),
  createdAt: Time,
  expiresAt: Nullable(Time),
  lastUsedAt: Nullable(Time),
  /** The address that it was last used from. */
  lastUsedFrom: Type.Optional(ClientAddressText),
  /** Only for a host token: the name of the one workspace that it registers, or registered before that was deleted. */
  workspace: Type.Optional(NameText),
  /** Only for a host token: it registers any workspace of the account. */
  reusable: Type.Optional(Type.Boolean()),
  /** The access token that created it. It ends with that token. */
  parentId: Type.Optional(TokenIdText),
});
export type AccessTokenInfo = Static<typeof AccessTokenInfo>;
export const CreateAccessToken = closedObject({
  title: Title,
  scopes: Type.Array(Scope, { minItems: 1, maxItems: 5, uniqueItems: true }),
  /** Never later than the expiry of the token that makes the request. */
  expiresIn: Type.Optional(Nullable(Seconds)),
  /** A host token (scope `host` only) is for one workspace: the named one, or else the first that it registers. */
  workspace: Type.Optional(NameText),
  /** The host token registers any workspace of the account instead. */
  reusable: Type.Optional(Type.Boolean()),
});
export type CreateAccessToken = Static<typeof CreateAccessToken>;
/** The only answer that ever carries the secret. */
export const CreatedAccessToken = closedObject({
  token: Type.String({ pattern: "^spt_[0-9A-Za-z]+$", maxLength: 80 }),
  info: AccessTokenInfo,
});
export type CreatedAccessToken = Static<typeof CreatedAccessToken>;

export const Me = closedObject({ account: Account, token: AccessTokenInfo });
export type Me = Static<typeof Me>;

const keyFields = {
  id: KeyIdText,
  title: Title,
  type: Type.String({ pattern: "^[a-z0-9][a-z0-9@.-]*$", maxLength: 100 }),
  fingerprint: FingerprintText,
  publicKey: KeyLine,
  createdAt: Time,
};
/** A key that opens the account's workspaces. */
export const Key = closedObject({
  ...keyFields,
  /** When its holder proved it; null: it was registered by a version that asked for no proof. */
  provedAt: Type.Optional(Nullable(Time)),
  /** When somebody last signed in by SSH with it, and from which address. */
  lastUsedAt: Type.Optional(Nullable(Time)),
  lastUsedFrom: Type.Optional(Nullable(ClientAddressText)),
  /** Only if it is frozen: it opens nothing until it is unfrozen. */
  frozen: Type.Optional(Type.Boolean()),
});
export type Key = Static<typeof Key>;
/** A key that opens nothing until its holder proves it. */
export const PendingKey = closedObject({
  ...keyFields,
  expiresAt: Time,
  /** For a proof over SSH: protocol/key-proof.ts. */
  code: Type.String({ pattern: PROOF_CODE_PATTERN, maxLength: 60 }),
});
export type PendingKey = Static<typeof PendingKey>;
/** `nonce` is good for one proof by signature, within ten minutes. */
export const AddedKey = closedObject({
  ...PendingKey.properties,
  nonce: Type.String({ pattern: NONCE_PATTERN, maxLength: 60 }),
});
export type AddedKey = Static<typeof AddedKey>;
/** What `ssh-keygen -Y sign` writes. */
export const ProveKey = closedObject({ signature: Type.String({ maxLength: MAX_SSHSIG }) });
export const CreateKey = closedObject({
  publicKey: Type.String({ maxLength: MAX_KEY_LINE }),
  title: Type.Optional(Title),
});

/** A changed host key: a host with this key came under the workspace's name, and waits for the owner's decision. */
export const HeldHostKey = closedObject({
  fingerprint: FingerprintText,
  publicKey: KeyLine,
  since: Time,
  address: ClientAddressText,
});
export type HeldHostKey = Static<typeof HeldHostKey>;

export const Workspace = closedObject({
  id: WorkspaceIdText,
  name: NameText,
  owner: NameText,
  /** Whether the account that asks owns it; otherwise the workspace is shared with that account. */
  mine: Type.Boolean(),
  online: Type.Boolean(),
  /** Streams open now. */
  clients: Type.Integer({ minimum: 0 }),
  /** By how many seconds the host's clock is ahead of the gateway's; negative: behind. Only if they differ by 30 s or more. */
  clockAhead: Type.Optional(Type.Integer()),
  endToEndOnly: Type.Boolean(),
  /** The host's SSH public keys, for clients to pin. */
  hostKeys: Type.Array(KeyLine, { maxItems: 16 }),
  /** For the owner only, if there are any. */
  heldHostKeys: Type.Optional(Type.Array(HeldHostKey, { maxItems: 16 })),
  /** What the workspace shows in a browser (http or https), if its host names it. Ask the person before opening it. */
  browserUrl: Type.Optional(BrowserUrlText),
  /** The folder to open first, if the host names one: an absolute path in the workspace. */
  folder: Type.Optional(FolderText),
  /** Only if it is frozen: it takes neither its host nor clients until it is unfrozen. */
  frozen: Type.Optional(Type.Boolean()),
  createdAt: Time,
  lastSeenAt: Nullable(Time),
});
export type Workspace = Static<typeof Workspace>;
export const UpdateWorkspace = closedObject({ name: NameText });
export const DecideHostKey = closedObject({
  fingerprint: FingerprintText,
  decision: Type.Union([Type.Literal("accept"), Type.Literal("decline")]),
});
export type DecideHostKey = Static<typeof DecideHostKey>;

/** The answer (202) to a revocation that is in effect, but that the gateway could not write to its disk yet. */
export const NotWritten = closedObject({ message: Type.String() });

/** A share as the workspace's owner sees it. */
export const Share = closedObject({
  account: NameText,
  /** The account has not accepted the offer yet, and does not reach the workspace. Missing at gateways without offers. */
  pending: Type.Optional(Type.Boolean()),
  createdAt: Time,
  /** When it ends by itself; null: not before somebody ends it. Missing at gateways without such shares. */
  expiresAt: Type.Optional(Nullable(Time)),
});
export type Share = Static<typeof Share>;
export const CreateShare = closedObject({
  account: NameText,
  /** When the share, or the offer, ends. Missing: a share that exists keeps what it has, and a new one has no end. */
  expiresAt: Type.Optional(Nullable(Time)),
});
/** A share as the account sees it that the workspace is shared with, or offered to while `pending`. `id` is the workspace's. */
export const SharedWithMe = closedObject({
  id: WorkspaceIdText,
  name: NameText,
  owner: NameText,
  pending: Type.Boolean(),
  createdAt: Time,
  /** When it ends by itself; null: not before somebody ends it. Missing at gateways without such shares. */
  expiresAt: Type.Optional(Nullable(Time)),
});
export type SharedWithMe = Static<typeof SharedWithMe>;
/** A share of a workspace of the account, with an account that has accepted it or not yet. `id` is the workspace's. */
export const GivenShare = closedObject({
  id: WorkspaceIdText,
  name: NameText,
  account: NameText,
  pending: Type.Boolean(),
  createdAt: Time,
  /** When it ends by itself; null: not before somebody ends it. */
  expiresAt: Nullable(Time),
});
export type GivenShare = Static<typeof GivenShare>;

export const OwnerTokenInfo = closedObject({
  id: TokenIdText,
  createdAt: Time,
  expiresAt: Time,
  lastUsedAt: Nullable(Time),
});
export type OwnerTokenInfo = Static<typeof OwnerTokenInfo>;
/** The longest lifetime of an owner token: 30 days. */
const MAX_OWNER_TOKEN_SECONDS = 30 * 24 * 3600;
export const CreateOwnerToken = closedObject({
  expiresIn: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_OWNER_TOKEN_SECONDS })),
});
export const CreatedOwnerToken = closedObject({
  token: Type.String({ pattern: "^spo_[0-9A-Za-z]+$", maxLength: 80 }),
  info: OwnerTokenInfo,
});
export type CreatedOwnerToken = Static<typeof CreatedOwnerToken>;
/** The lifetime of an owner token if the request names none: 12 hours. */
export const DEFAULT_OWNER_TOKEN_SECONDS = 12 * 3600;

/** An entry of the audit log. Entries are listed newest first; `before` takes an `id`. */
export const AuditEntry = closedObject({
  id: Type.String({ pattern: "^[0-9a-z]{1,40}$" }),
  time: Time,
  event: Keyword,
  account: Nullable(PrintableText(100)),
  workspace: Nullable(PrintableText(100)),
  address: Nullable(PrintableText(100)),
  token: Nullable(PrintableText(100)),
  key: Nullable(PrintableText(100)),
  code: Nullable(PrintableText(100)),
  bytesIn: Nullable(Type.Integer()),
  bytesOut: Nullable(Type.Integer()),
  durationMs: Nullable(Type.Integer()),
  detail: Nullable(PrintableText(2_000)),
});
export type AuditEntry = Static<typeof AuditEntry>;
/** The newest `limit` entries, 100 if it is missing. `before`: the `id` of the last entry of the page before. */
const auditPage = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  before: Type.Optional(Type.String({ pattern: "^[0-9a-z]{1,40}$" })),
};
const auditFilter = {
  /** The beginning of the event's name: `share` finds `share.added` as well as `share.removed`. */
  event: Type.Optional(Type.String({ pattern: "^[a-z0-9.-]{1,100}$" })),
  account: Type.Optional(NameText),
  /** A workspace's id, or what the log has in the place of a secret one. */
  workspace: Type.Optional(Type.String({ pattern: "^[a-z0-9_-]{1,100}$" })),
  address: Type.Optional(ClientAddressText),
  code: Type.Optional(Type.String({ pattern: "^[a-z_]{1,100}$" })),
  /** This time included. */
  from: Type.Optional(Time),
  /** This time excluded. */
  to: Type.Optional(Time),
};
/** Every given part must match. */
export const AuditFilter = closedObject(auditFilter);
export type AuditFilter = Static<typeof AuditFilter>;
export const AuditQuery = closedObject({ ...auditPage, ...auditFilter });
const { account: _, ...ownFilter } = auditFilter;
/** The same for the entries of one's own account. */
export const ActivityQuery = closedObject({ ...auditPage, ...ownFilter });

/** An event of the workspace event stream (SSE): `event:` is its type, `data:` the rest as JSON. */
export const WorkspaceEvent = Type.Union([
  Type.Object({ type: Type.Literal("snapshot"), workspaces: Type.Array(Workspace) }),
  Type.Object({ type: Type.Literal("workspace"), workspace: Workspace }),
  Type.Object({ type: Type.Literal("workspace-removed"), id: WorkspaceIdText }),
  /** Every offer to the account that waits for an answer. Sent after a snapshot, and whenever the offers change. */
  Type.Object({ type: Type.Literal("offers"), offers: Type.Array(SharedWithMe, { maxItems: 1_000 }) }),
]);
export type WorkspaceEvent = Static<typeof WorkspaceEvent>;

/** `/.well-known/sallyport`: what a client needs to know before it signs in. */
export const Discovery = closedObject({
  product: Type.Literal("sallyport"),
  version: Keyword,
  apiVersions: Type.Array(Type.Integer({ minimum: 0, maximum: 1_000 }), { maxItems: 100 }),
  publicUrl: GatewayUrlText,
  tunnelUrl: WebSocketUrlText,
  ssh: Nullable(SshAddressObject),
  /** The gateway's own SSH host keys, authorized_keys form. */
  hostKeys: Type.Array(KeyLine, { maxItems: 32 }),
  subprotocols: Type.Array(Keyword, { maxItems: 100 }),
  openRegistration: Type.Boolean(),
  capabilities: Type.Array(Keyword, { maxItems: 100 }),
});
export type Discovery = Static<typeof Discovery>;
