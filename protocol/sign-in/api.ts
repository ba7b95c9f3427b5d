// The shapes of the HTTP API for people who sign in by a browser: ways to sign in, browser sessions, signed-in devices,
// passkeys, invitations and identities. The gateway validates with them; web/ and agent/ take their types from them.

import { type Static, Type } from "typebox";
import { Account, Scope } from "../api.ts";
import {
  AccountIdText,
  ClientAddressText,
  closedObject,
  IdentityIdText,
  InvitationIdText,
  Keyword,
  NameText,
  Nullable,
  PasskeyIdText,
  PrintableText,
  Time,
  TokenIdText,
} from "../values/fields.ts";

const Title = PrintableText(100);
/** An https (or loopback http) URL that the gateway itself made. */
const UrlText = Type.String({ maxLength: 4_000, pattern: "^https?://[\\x21-\\x7e]+$" });

/** An identity provider that people can sign in with. `id` is the operator's word for it. */
export const ProviderInfo = closedObject({
  id: Keyword,
  kind: Type.Union([Type.Literal("oidc"), Type.Literal("github")]),
  label: PrintableText(60),
});
export type ProviderInfo = Static<typeof ProviderInfo>;

/** How people can sign in here. Needs no sign-in itself. */
export const SignInMethods = closedObject({
  providers: Type.Array(ProviderInfo, { maxItems: 20 }),
  /** Passkeys can be used: the public URL is https, or http on this machine by the name `localhost`. */
  passkeys: Type.Boolean(),
  /** False: the public URL is plain http to a different machine, where no browser keeps the session's cookie. */
  cookies: Type.Boolean(),
  /** Device codes are taken: `sallyport login --device`. */
  deviceCodes: Type.Boolean(),
});
export type SignInMethods = Static<typeof SignInMethods>;

/** How somebody signed in. `token`: by an access token; `link`: by a one-use link; `oauth`: as a client of this gateway. */
export const SignInMethod = Type.Union([
  Type.Literal("oidc"),
  Type.Literal("github"),
  Type.Literal("passkey"),
  Type.Literal("token"),
  Type.Literal("link"),
  Type.Literal("oauth"),
]);
export type SignInMethod = Static<typeof SignInMethod>;

/** A browser's session, as its own page sees it. */
export const SessionInfo = closedObject({
  account: Account,
  signInId: TokenIdText,
  scopes: Type.Array(Scope),
  method: SignInMethod,
  provider: Nullable(Keyword),
  /** When the person last proved who they are. */
  authenticatedAt: Time,
  /** Until then tokens can be made and administration is possible without signing in again. */
  freshUntil: Time,
  expiresAt: Time,
});
export type SessionInfo = Static<typeof SessionInfo>;

/** A browser, editor or command line that is signed in. */
export const SignInInfo = closedObject({
  id: TokenIdText,
  kind: Type.Union([Type.Literal("browser"), Type.Literal("client")]),
  /** `dashboard`, or the OAuth client. */
  client: Keyword,
  /** As it calls itself: a machine's name, or a browser and its system. */
  device: PrintableText(100),
  method: SignInMethod,
  provider: Nullable(Keyword),
  scopes: Type.Array(Scope),
  createdAt: Time,
  expiresAt: Time,
  lastUsedAt: Nullable(Time),
  lastUsedFrom: Nullable(ClientAddressText),
  /** Whether the request is made with it. */
  current: Type.Boolean(),
});
export type SignInInfo = Static<typeof SignInInfo>;

/** The body of POST /session/token. */
export const TokenSignIn = closedObject({ token: Type.String({ maxLength: 200 }) });
/** The body of POST /session/link: the code after `#` of a one-use link. */
export const LinkSignIn = closedObject({ code: Type.String({ maxLength: 200 }) });
/** The answer to signing out. `endSession`: where the browser then goes to sign out at the identity provider as well. */
export const SignedOut = closedObject({ endSession: Nullable(UrlText) });
export type SignedOut = Static<typeof SignedOut>;

/** A person's identity at a provider. The pair of issuer and subject is what counts; the rest is for display. */
export const IdentityInfo = closedObject({
  id: IdentityIdText,
  provider: Keyword,
  issuer: PrintableText(500),
  subject: PrintableText(255),
  name: PrintableText(255),
  createdAt: Time,
  lastSignInAt: Nullable(Time),
});
export type IdentityInfo = Static<typeof IdentityInfo>;

/** Somebody signed in by a provider for the first time: which name the new account gets. */
export const PendingAccount = closedObject({
  provider: Keyword,
  display: PrintableText(255),
  /** A name that is free; empty: none could be derived. */
  suggestion: Type.String({ maxLength: 40 }),
});
export type PendingAccount = Static<typeof PendingAccount>;
export const ChooseName = closedObject({ name: NameText });

export const PasskeyInfo = closedObject({
  id: PasskeyIdText,
  title: Title,
  createdAt: Time,
  lastUsedAt: Nullable(Time),
});
export type PasskeyInfo = Static<typeof PasskeyInfo>;
/** WebAuthn's JSON forms (PublicKeyCredentialRequestOptionsJSON and so on) pass through; their library checks them. */
const WebAuthnJson = Type.Object({}, { additionalProperties: true });
export const PasskeyOptions = closedObject({ options: WebAuthnJson });
export const PasskeyAssertion = closedObject({ response: WebAuthnJson });
export const PasskeyRegistration = closedObject({ response: WebAuthnJson, title: Title });

/**
 * `account`: makes a new account with a passkey or by a provider. `sign-in`: signs an account in, once.
 * `identity`: lets a person who signs in by a provider take over an account that exists.
 */
export const InvitationKind = Type.Union([
  Type.Literal("account"),
  Type.Literal("sign-in"),
  Type.Literal("identity"),
]);
export type InvitationKind = Static<typeof InvitationKind>;
export const InvitationInfo = closedObject({
  id: InvitationIdText,
  kind: InvitationKind,
  /** The account's name, if it is given. */
  name: Nullable(NameText),
  admin: Type.Boolean(),
  createdBy: PrintableText(100),
  createdAt: Time,
  expiresAt: Time,
  usedAt: Nullable(Time),
});
export type InvitationInfo = Static<typeof InvitationInfo>;
export const CreateInvitation = closedObject({
  kind: InvitationKind,
  name: Type.Optional(NameText),
  admin: Type.Optional(Type.Boolean()),
  /** In seconds; a week at most. Missing: two days. */
  expiresIn: Type.Optional(Type.Integer({ minimum: 60, maximum: 7 * 24 * 3600 })),
});
export type CreateInvitation = Static<typeof CreateInvitation>;
/** The only answer that ever carries the link. Its code is in the fragment, which is sent nowhere. */
export const CreatedInvitation = closedObject({ link: UrlText, info: InvitationInfo });
export type CreatedInvitation = Static<typeof CreatedInvitation>;
/**
 * What a link's page shows before the link is used. `name`: of the account that it signs in or makes; null: the person
 * chooses. For the kinds `account` and `identity` the browser now has the invitation in a cookie, so that it is there when
 * the person comes back from an identity provider.
 */
export const OpenedInvitation = closedObject({
  kind: InvitationKind,
  name: Nullable(NameText),
  admin: Type.Boolean(),
  createdBy: PrintableText(100),
  expiresAt: Time,
});
export type OpenedInvitation = Static<typeof OpenedInvitation>;
/**
 * The body of POST /invitations/accept/options, for an opened invitation of the kind `account`: its answer is PasskeyOptions.
 * `name` is needed where the invitation gives none. PasskeyRegistration to /invitations/accept then makes the account.
 */
export const AcceptInvitation = closedObject({ name: Type.Optional(NameText) });

/** A person as administrators see them. */
export const Person = closedObject({
  ...Account.properties,
  /** Who decides whether they are an administrator: null is this gateway, else the provider's rules. */
  roleFrom: Nullable(Keyword),
  identities: Type.Array(IdentityInfo, { maxItems: 50 }),
  passkeys: Type.Integer({ minimum: 0 }),
  signIns: Type.Integer({ minimum: 0 }),
  workspaces: Type.Integer({ minimum: 0 }),
  lastSeenAt: Nullable(Time),
});
export type Person = Static<typeof Person>;
export const PersonById = closedObject({ id: AccountIdText });
