// The options for identity providers, checked: what the command line says. Pure; load.ts reads the files that they name.

import { UsageError } from "../../../../protocol/command/command.ts";

export interface IdentityOptions {
  /** A JSON file with providers; null: none. */
  readonly file: string | null;
  /** The provider of the --oidc options as an entry of such a file would describe it; null: there is none. */
  readonly provider: Readonly<Record<string, unknown>> | null;
}

interface Values {
  readonly identity?: string | undefined;
  readonly "oidc-issuer"?: string | undefined;
  readonly "oidc-client-id"?: string | undefined;
  readonly "oidc-client-secret-file"?: string | undefined;
  readonly "oidc-scopes": readonly string[];
  readonly "oidc-allow-domain": readonly string[];
  readonly "oidc-allow-group": readonly string[];
  readonly "oidc-admin-group": readonly string[];
  readonly "oidc-groups-claim"?: string | undefined;
}

/** @throws UsageError */
export function identityOptions(values: Values): IdentityOptions {
  const file = values.identity ?? null;
  const issuer = values["oidc-issuer"];
  const clientId = values["oidc-client-id"];
  if (issuer === undefined) {
    const stray = Object.entries(values).find(
      ([name, value]) => name.startsWith("oidc-") && value !== undefined && String(value) !== "",
    );
    if (stray === undefined) return { file, provider: null };
    throw new UsageError(`--${stray[0]} means nothing without --oidc-issuer.`);
  }
  if (clientId === undefined) {
    throw new UsageError("--oidc-issuer needs --oidc-client-id: the client that the provider knows.");
  }
  const list = (name: string, items: readonly string[]) => (items.length === 0 ? {} : { [name]: items });
  return {
    file,
    provider: {
      id: "oidc",
      kind: "oidc",
      issuer,
      clientId,
      ...(values["oidc-client-secret-file"] === undefined
        ? {}
        : { clientSecretFile: values["oidc-client-secret-file"] }),
      ...list("scopes", values["oidc-scopes"]),
      ...list("allowDomains", values["oidc-allow-domain"]),
      ...list("allowGroups", values["oidc-allow-group"]),
      ...list("adminGroups", values["oidc-admin-group"]),
      ...(values["oidc-groups-claim"] === undefined ? {} : { groupsClaim: values["oidc-groups-claim"] }),
    },
  };
}
