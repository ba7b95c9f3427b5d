// What an operator says of an identity provider: the form of an entry in the file of --identity, and the settings that become of it.
// Pure. Secrets are never in here, only the names of their files.

import { domainToASCII } from "node:url";
import { type Static, type TProperties, type TSchema, Type } from "typebox";
import { Errors } from "typebox/value";
import { isLoopback } from "../../../../protocol/values/gateway-url.ts";
import { printable } from "../../../../protocol/values/printable.ts";

const object = <T extends TProperties>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: "^[\\x21-\\x7e]+$" });
const Words = Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 100 });
const Path = Type.String({ minLength: 1, maxLength: 255 });

/** Signatures that a provider's key proves. HMAC is not among them: there the client's secret, or worse a public key, would be enough. */
const SIGNATURES = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

const common = {
  /** In URLs and in the audit log. */
  id: Type.String({ pattern: "^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$" }),
  /** On the button. */
  label: Type.Optional(Type.String({ minLength: 1, maxLength: 60 })),
  clientId: Text(255),
  clientSecretFile: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000 })),
  scopes: Type.Optional(Type.Array(Text(255), { maxItems: 50 })),
  allowDomains: Type.Optional(Words),
  allowGroups: Type.Optional(Words),
  denyGroups: Type.Optional(Words),
  adminGroups: Type.Optional(Words),
  /** Everybody who has an account at a provider that is open to the public may sign in. */
  allowEveryone: Type.Optional(Type.Boolean()),
  /** The provider's subjects are the external ids that SCIM sends. */
  scim: Type.Optional(Type.Boolean()),
};

const OidcEntry = object({
  kind: Type.Literal("oidc"),
  ...common,
  issuer: Text(500),
  groupsClaim: Type.Optional(Path),
  nameClaim: Type.Optional(Path),
  domainClaim: Type.Optional(Path),
  emailVerifiedMissing: Type.Optional(Type.Union([Type.Literal("refuse"), Type.Literal("accept")])),
  signature: Type.Optional(Type.Union(SIGNATURES.map((name) => Type.Literal(name)))),
  clientAuthentication: Type.Optional(
    Type.Union([Type.Literal("client_secret_basic"), Type.Literal("client_secret_post")]),
  ),
  /** Further parameters of the authorization request: `{"access_type": "offline"}`. */
  parameters: Type.Optional(
    Type.Record(Type.String({ pattern: "^[a-z_]{1,60}$" }), Text(255), { maxProperties: 10 }),
  ),
});

const GithubEntry = object({
  kind: Type.Literal("github"),
  ...common,
  /** Of GitHub Enterprise: `https://github.corp.example`. */
  baseUrl: Type.Optional(Text(500)),
  organizations: Type.Optional(Type.Array(Text(100), { maxItems: 20 })),
});

/** The rules that decide who may come in, and who is an administrator. */
export interface RuleSettings {
  /** Lower-case ASCII. */
  readonly allowDomains: readonly string[];
  readonly allowGroups: readonly string[];
  readonly denyGroups: readonly string[];
  readonly adminGroups: readonly string[];
  readonly groupsClaim: string;
  /** A claim that is the domain itself; null: the domain is that of a verified e-mail address. */
  readonly domainClaim: string | null;
  readonly emailVerifiedMissing: "refuse" | "accept";
  /** Where the name of a new account comes from. */
  readonly nameClaim: string;
}

interface CommonSettings extends RuleSettings {
  readonly id: string;
  readonly label: string;
  readonly issuer: string;
  readonly clientId: string;
  /** null: a public client. */
  readonly clientSecretFile: string | null;
  readonly scopes: readonly string[];
  readonly scim: boolean;
}

export interface OidcSettings extends CommonSettings {
  readonly kind: "oidc";
  readonly signature: string;
  readonly clientAuthentication: "client_secret_basic" | "client_secret_post" | null;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface GithubSettings extends CommonSettings {
  readonly kind: "github";
  readonly apiUrl: string;
  readonly organizations: readonly string[];
}

export type ProviderSettings = OidcSettings | GithubSettings;

/** What is wrong with an entry; `field` is where. */
export class SettingsProblem extends Error {
  readonly field: string;
  readonly problem: string;

  constructor(field: string, problem: string) {
    super(`${printable(field, 200)} ${problem}`);
    this.name = "SettingsProblem";
    this.field = field;
    this.problem = problem;
  }
}

const GITHUB = "https://github.com";
const GOOGLE = "https://accounts.google.com";
/** Parameters of the authorization request that the gateway sets itself. */
const RESERVED =
  /^(client_id|client_secret|redirect_uri|response_type|response_mode|scope|state|nonce|code_.*|request.*|id_token_hint|max_age)$/;

/** @param where the field's path: `providers/0` @throws SettingsProblem */
export function parseSettings(entry: unknown, where: string): ProviderSettings {
  const kind = isRecord(entry) ? entry.kind : undefined;
  if (kind === "github") return githubSettings(checked(GithubEntry, entry, where), where);
  if (kind === "oidc") return oidcSettings(checked(OidcEntry, entry, where), where);
  throw new SettingsProblem(`${where}/kind`, 'must be "oidc" or "github".');
}

function oidcSettings(entry: Static<typeof OidcEntry>, where: string): OidcSettings {
  const issuer = serverUrl(entry.issuer, `${where}/issuer`);
  if (/\.well-known/.test(issuer)) {
    throw new SettingsProblem(`${where}/issuer`, "must be the issuer, without /.well-known/….");
  }
  if (/[{}]|^https:\/\/login\.microsoftonline\.com\/(common|organizations|consumers)\b/.test(entry.issuer)) {
    throw new SettingsProblem(`${where}/issuer`, "must name one tenant: its id instead of a placeholder.");
  }
  const reserved = Object.keys(entry.parameters ?? {}).find((name) => RESERVED.test(name));
  if (reserved !== undefined) {
    throw new SettingsProblem(`${where}/parameters/${reserved}`, "is set by the gateway itself.");
  }
  const isGoogle = new URL(issuer).origin === GOOGLE;
  const settings: OidcSettings = {
    ...commonSettings(entry, where, entry.issuer),
    kind: "oidc",
    scopes: scopesOf(entry.scopes, where),
    groupsClaim: entry.groupsClaim ?? "groups",
    nameClaim: entry.nameClaim ?? "preferred_username",
    // An address at a company's domain can belong to a private Google account, which its person keeps.
    domainClaim: entry.domainClaim ?? (isGoogle ? "hd" : null),
    emailVerifiedMissing: entry.emailVerifiedMissing ?? "refuse",
    signature: entry.signature ?? "RS256",
    clientAuthentication: entry.clientAuthentication ?? null,
    parameters: entry.parameters ?? {},
  };
  if (isGoogle) requireRule(settings, entry.allowEveryone, where);
  return settings;
}

function githubSettings(entry: Static<typeof GithubEntry>, where: string): GithubSettings {
  const issuer = serverUrl(entry.baseUrl ?? GITHUB, `${where}/baseUrl`).replace(/\/$/, "");
  const organizations = entry.organizations ?? [];
  const bad = organizations.findIndex(
    (name) => !/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}[A-Za-z0-9])?$/.test(name),
  );
  if (bad !== -1)
    throw new SettingsProblem(`${where}/organizations/${bad}`, "is not an organization's name.");
  if (entry.clientSecretFile === undefined) {
    throw new SettingsProblem(`${where}/clientSecretFile`, "is missing: GitHub needs a secret.");
  }
  const settings: GithubSettings = {
    ...commonSettings(entry, where, issuer),
    kind: "github",
    issuer,
    label: entry.label ?? (issuer === GITHUB ? "GitHub" : new URL(issuer).host),
    apiUrl: githubApi(new URL(issuer)),
    organizations,
    scopes: entry.scopes ?? (organizations.length === 0 ? ["user:email"] : ["user:email", "read:org"]),
    groupsClaim: "groups",
    nameClaim: "login",
    domainClaim: null,
    emailVerifiedMissing: "refuse",
    allowGroups: entry.allowGroups ?? organizations,
  };
  if (issuer === GITHUB) requireRule(settings, entry.allowEveryone, where);
  return settings;
}

/** Everybody can have an account at such a provider, so a gateway must not let all of them in by a slip. */
function requireRule(settings: RuleSettings, everyone: boolean | undefined, where: string): void {
  if (everyone === true || settings.allowDomains.length + settings.allowGroups.length > 0) return;
  throw new SettingsProblem(
    where,
    "lets everybody in the world sign in: give allowDomains, allowGroups or organizations, or say so with allowEveryone.",
  );
}

function commonSettings(
  entry: Static<typeof OidcEntry> | Static<typeof GithubEntry>,
  where: string,
  issuer: string,
) {
  return {
    id: entry.id,
    label: printable(entry.label ?? new URL(issuer).host, 60),
    issuer,
    clientId: entry.clientId,
    clientSecretFile: entry.clientSecretFile ?? null,
    allowDomains: (entry.allowDomains ?? []).map((name, index) =>
      domainName(name, `${where}/allowDomains/${index}`),
    ),
    allowGroups: entry.allowGroups ?? [],
    denyGroups: entry.denyGroups ?? [],
    adminGroups: entry.adminGroups ?? [],
    scim: entry.scim ?? false,
  };
}

function scopesOf(scopes: readonly string[] | undefined, where: string): readonly string[] {
  if (scopes === undefined) return ["openid", "profile", "email"];
  if (scopes.includes("openid")) return scopes;
  throw new SettingsProblem(`${where}/scopes`, "must contain openid.");
}

function githubApi(base: URL): string {
  if (base.origin === GITHUB) return "https://api.github.com";
  return base.hostname.endsWith(".ghe.com") ? `https://api.${base.host}` : `${base.origin}/api/v3`;
}

function domainName(name: string, where: string): string {
  const ascii = domainToASCII(name.replace(/^@/, ""));
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(ascii)) return ascii;
  throw new SettingsProblem(where, "is not a domain name, such as corp.example.");
}

/** @throws SettingsProblem */
function serverUrl(text: string, where: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isFine =
    url !== undefined &&
    // Plain http to this machine only: for tests and trials.
    (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (isFine) return text;
  throw new SettingsProblem(where, "must be an https URL without a query.");
}

/** @throws SettingsProblem that names the field */
function checked<T extends TSchema>(schema: T, value: unknown, where: string): Static<T> {
  const errors = Errors(schema, value);
  if (errors.length === 0) return value as Static<T>;
  const unknown = errors.find(({ keyword }) => keyword === "additionalProperties");
  const missing = errors.find(({ keyword }) => keyword === "required");
  const named = (error: (typeof errors)[number] | undefined, param: string): string | undefined => {
    const names = (error?.params as Readonly<Record<string, unknown>> | undefined)?.[param];
    return Array.isArray(names) && typeof names[0] === "string" ? names[0] : undefined;
  };
  const stray = named(unknown, "additionalProperties");
  if (stray !== undefined) throw new SettingsProblem(`${where}/${stray}`, "is not a known field.");
  const absent = named(missing, "requiredProperties");
  if (absent !== undefined) throw new SettingsProblem(`${where}/${absent}`, "is missing.");
  const deepest = errors.toSorted(
    (a, b) => b.instancePath.split("/").length - a.instancePath.split("/").length,
  )[0];
  throw new SettingsProblem(`${where}${deepest?.instancePath ?? ""}`, "does not have the required form.");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
