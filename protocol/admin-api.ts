// The shapes of the HTTP API for what the dashboard shows beyond the things that an account owns: who is connected now,
// keys of other services, people, all workspaces, and the gateway's health and settings.

import { type Static, Type } from "typebox";
import { PendingKey } from "./api.ts";
import { Person } from "./sign-in/api.ts";
import {
  AccountIdText,
  ClientAddressText,
  ConnectionIdText,
  closedObject,
  FingerprintText,
  HostNameText,
  Keyword,
  NameText,
  Nullable,
  PrintableText,
  SshAddressObject,
  Time,
  TokenIdText,
  WorkspaceIdText,
} from "./values/fields.ts";

const Count = Type.Integer({ minimum: 0 });

/** `tunnel`: the companion's, end to end. `jump`: by SSH, end to end. `ssh`: signed in at the gateway by SSH. */
export const ConnectionKind = Type.Union([Type.Literal("tunnel"), Type.Literal("jump"), Type.Literal("ssh")]);
export type ConnectionKind = Static<typeof ConnectionKind>;

/** A connection to a workspace that is open now. */
export const ConnectionInfo = closedObject({
  id: ConnectionIdText,
  how: ConnectionKind,
  /** Whose it is; null: an owner token opened it. */
  account: Nullable(NameText),
  /** Whether it is the asking account's own. */
  mine: Type.Boolean(),
  /** The access token, sign-in or owner token that it was opened with; null: an SSH key. */
  token: Nullable(TokenIdText),
  /** The fingerprint of the SSH key that signed in; null: none did, or it came with a certificate. */
  key: Nullable(FingerprintText),
  address: ClientAddressText,
  since: Time,
});
export type ConnectionInfo = Static<typeof ConnectionInfo>;

/** The owner gets all connections of the workspace, other accounts get their own. Newest first. */
export const Connections = closedObject({
  connections: Type.Array(ConnectionInfo, { maxItems: 1_000 }),
  /** There are more than these. */
  more: Type.Boolean(),
});
export type Connections = Static<typeof Connections>;

export const KeySource = Type.Union([Type.Literal("github"), Type.Literal("gitlab")]);
export type KeySource = Static<typeof KeySource>;
/** Where public keys of a user can be fetched from. `host` is the operator's choice: `github.com`. */
export const KeySourceInfo = closedObject({ source: KeySource, host: HostNameText });
export type KeySourceInfo = Static<typeof KeySourceInfo>;
export const ImportKeys = closedObject({
  source: KeySource,
  /** A user's name there. It names nothing else: no path, host or query. */
  user: Type.String({ pattern: "^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_-])?$", maxLength: 255 }),
});
/**
 * `pending`: it waits for a proof, as any key that is added. `registered`: the account has proved it before.
 * `refused`: this gateway takes no such key; `reason` says why.
 */
export const ImportedKey = closedObject({
  outcome: Type.Union([Type.Literal("pending"), Type.Literal("registered"), Type.Literal("refused")]),
  /** null: it could not be read. */
  fingerprint: Nullable(FingerprintText),
  pending: Nullable(PendingKey),
  reason: Nullable(PrintableText(500)),
});
export type ImportedKey = Static<typeof ImportedKey>;
/** That a service lists a key for a user proves nothing, so each key still needs a proof by its holder. */
export const ImportedKeys = closedObject({
  host: HostNameText,
  keys: Type.Array(ImportedKey, { maxItems: 50 }),
});
export type ImportedKeys = Static<typeof ImportedKeys>;

/** A position in a list, as `next` of the page before gave it. */
const Cursor = Type.String({ pattern: "^[A-Za-z0-9_.-]{1,200}$" });
/** Text that is looked for in names, without regard to case. */
const Filter = PrintableText(100);
const page = {
  filter: Type.Optional(Filter),
  after: Type.Optional(Cursor),
  /** 100 if it is missing. */
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
};
/** What every page of a list has beside its entries. `next`: for the next page; null: this is the last one. */
const pageEnd = {
  next: Nullable(Cursor),
  /** How many entries match in all. */
  total: Count,
};

export const PeopleQuery = closedObject({
  ...page,
  state: Type.Optional(
    Type.Union([Type.Literal("enabled"), Type.Literal("disabled"), Type.Literal("administrator")]),
  ),
});
/** By name. */
export const People = closedObject({ people: Type.Array(Person, { maxItems: 1_000 }), ...pageEnd });
export type People = Static<typeof People>;
export const UpdatePerson = Type.Object(
  { disabled: Type.Optional(Type.Boolean()), admin: Type.Optional(Type.Boolean()) },
  { additionalProperties: false, minProperties: 1 },
);
export type UpdatePerson = Static<typeof UpdatePerson>;
export const SignInOfPerson = closedObject({ id: AccountIdText, signIn: TokenIdText });

/** A workspace as administrators see it: they do not reach it by that. */
export const AdminWorkspace = closedObject({
  id: WorkspaceIdText,
  name: NameText,
  owner: NameText,
  online: Type.Boolean(),
  /** Streams open now. */
  clients: Count,
  frozen: Type.Boolean(),
  /** With how many accounts it is shared. */
  shares: Count,
  endToEndOnly: Type.Boolean(),
  createdAt: Time,
  lastSeenAt: Nullable(Time),
});
export type AdminWorkspace = Static<typeof AdminWorkspace>;
export const AdminWorkspacesQuery = closedObject({
  ...page,
  owner: Type.Optional(NameText),
  frozen: Type.Optional(Type.Boolean()),
});
/** By name. Workspaces without an account are not among them: their ids are secrets. */
export const AdminWorkspaces = closedObject({
  workspaces: Type.Array(AdminWorkspace, { maxItems: 1_000 }),
  ...pageEnd,
});
export type AdminWorkspaces = Static<typeof AdminWorkspaces>;

/** Something that is probably not as the operator means it. */
export const HealthWarning = closedObject({ code: Keyword, message: PrintableText(500) });
export type HealthWarning = Static<typeof HealthWarning>;

/** What an administrator's browser compares with what it sees itself. */
export const AdminHealth = closedObject({
  version: Keyword,
  /** The gateway's clock. */
  time: Time,
  startedAt: Time,
  /** How many processes serve this gateway. */
  workers: Type.Integer({ minimum: 1 }),
  publicUrl: PrintableText(300),
  /** False: the gateway made the public URL from the address that it listens on. */
  publicUrlConfigured: Type.Boolean(),
  /** Addresses and networks whose X-Forwarded-For is believed. */
  trustedProxies: Type.Array(PrintableText(100), { maxItems: 100 }),
  /** This request as it came. */
  request: closedObject({
    /** Whose request it is, behind trusted proxies too. */
    address: ClientAddressText,
    /** Who is at the other end of the connection. */
    peer: PrintableText(100),
    peerTrusted: Type.Boolean(),
    /** It has X-Forwarded-For. */
    forwarded: Type.Boolean(),
    /** X-Forwarded-Proto; null: it has none. */
    forwardedProto: Nullable(PrintableText(20)),
    host: Nullable(PrintableText(300)),
    /** The connection itself is encrypted. */
    tls: Type.Boolean(),
  }),
  /** null: this gateway has none of its own. */
  certificate: Nullable(closedObject({ expiresAt: Time, automatic: Type.Boolean() })),
  ssh: Nullable(SshAddressObject),
  database: closedObject({ ok: Type.Boolean(), ms: Type.Number({ minimum: 0 }), bytes: Count }),
  downloads: Type.Boolean(),
  /** Revocations in effect that are not written yet. */
  pendingRevocations: Count,
  online: Count,
  streams: Count,
  warnings: Type.Array(HealthWarning, { maxItems: 50 }),
});
export type AdminHealth = Static<typeof AdminHealth>;

/** An option that the gateway was started with. It never has a secret, and of a file it has the name only. */
export const Setting = closedObject({
  /** As it is written: `--public-url`. */
  option: PrintableText(60),
  /** null: it is not given and has no default. */
  value: Nullable(PrintableText(1_000)),
  /** What the option is for. */
  summary: PrintableText(500),
});
export type Setting = Static<typeof Setting>;
export const Settings = closedObject({ settings: Type.Array(Setting, { maxItems: 200 }) });
export type Settings = Static<typeof Settings>;
