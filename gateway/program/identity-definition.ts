// The options of `sallyport gateway` for identity providers. None of them comes from a configuration file: the issuer decides who gets
// the client's secret, and the rules decide who comes in.

import type { OptionDefinition } from "../../protocol/command/definition.ts";
import { FILE, text } from "../../protocol/command/value-types.ts";

const GROUP = "Sign-in by an identity provider";

export const IDENTITY_OPTIONS = {
  "oidc-issuer": {
    type: text("URL"),
    description: "people sign in by this OpenID Connect provider, such as https://login.example/realms/main",
    otherwise: "off",
    group: GROUP,
    variable: "SALLYPORT_OIDC_ISSUER",
  },
  "oidc-client-id": {
    type: text("ID"),
    description: "the client that the provider knows the gateway as",
    group: GROUP,
    variable: "SALLYPORT_OIDC_CLIENT_ID",
  },
  "oidc-client-secret-file": {
    type: FILE,
    description: "its secret, in a file that others cannot read",
    otherwise: "none: a public client",
    group: GROUP,
    variable: "SALLYPORT_OIDC_CLIENT_SECRET_FILE",
  },
  "oidc-scopes": {
    type: text("SCOPE"),
    repeated: "separated",
    description: "the scopes to ask for",
    otherwise: "openid, profile, email",
    group: GROUP,
    variable: "SALLYPORT_OIDC_SCOPES",
  },
  "oidc-allow-domain": {
    type: text("DOMAIN"),
    repeated: "separated",
    description: "only people with a verified e-mail address of this domain may sign in",
    group: GROUP,
    variable: "SALLYPORT_OIDC_ALLOW_DOMAIN",
  },
  "oidc-allow-group": {
    type: text("GROUP"),
    repeated: "commas",
    description: "only members of one of these groups may sign in; a comma stands between groups",
    group: GROUP,
    variable: "SALLYPORT_OIDC_ALLOW_GROUP",
  },
  "oidc-admin-group": {
    type: text("GROUP"),
    repeated: "commas",
    description:
      "members of one of these groups are administrators, and nobody else who signs in by this provider",
    group: GROUP,
    variable: "SALLYPORT_OIDC_ADMIN_GROUP",
  },
  "oidc-groups-claim": {
    type: text("PATH"),
    description: "the claim with a person's groups, such as realm_access.roles",
    otherwise: "groups",
    group: GROUP,
    variable: "SALLYPORT_OIDC_GROUPS_CLAIM",
  },
  identity: {
    type: FILE,
    description: "several providers, or GitHub: a JSON file, docs/accounts.md describes it",
    group: GROUP,
    variable: "SALLYPORT_IDENTITY",
  },
} as const satisfies Record<string, OptionDefinition>;
