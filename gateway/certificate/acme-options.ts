// The options of `--acme`, checked: which names get a certificate, from whom, and how the gateway proves that
// they are its own. Pure.

import { isIP } from "node:net";
import { join } from "node:path";
import { UsageError } from "../../protocol/command/command.ts";
import { type GatewayUrl, gatewayHost } from "../../protocol/values/gateway-url.ts";
import { isHostName } from "../../protocol/values/host-name.ts";
import type { ListenAddress } from "../address.ts";
import type { ChallengeKind } from "./challenge-kind.ts";

/** Authorities take at most 100 names; more than a few are a mistake. */
const MAX_NAMES = 25;

export interface AcmeOptions {
  /** DNS names in lower case; the first one is the public URL's. */
  readonly names: readonly string[];
  readonly publicUrl: GatewayUrl;
  readonly email: string | null;
  readonly directory: string;
  /** File of the roots that the authority's own server is checked with; null: Node's. */
  readonly caFile: string | null;
  /** Where the gateway answers HTTP-01 challenges and redirects; null: nowhere. */
  readonly http: ListenAddress | null;
  /** In the order in which they are tried. */
  readonly challenges: readonly ChallengeKind[];
  readonly externalAccount: { readonly kid: string; readonly keyFile: string } | null;
}

interface Values {
  readonly acme: boolean;
  readonly "public-url"?: GatewayUrl | undefined;
  readonly "acme-domain": readonly string[];
  readonly "acme-email"?: string | undefined;
  readonly "acme-directory": string;
  readonly "acme-ca"?: string | undefined;
  readonly "acme-http"?: ListenAddress | undefined;
  readonly "acme-challenge"?: ChallengeKind | undefined;
  readonly "acme-eab-kid"?: string | undefined;
  readonly "acme-eab-key"?: string | undefined;
}

/** @throws UsageError */
export function acmeOptions(values: Values): AcmeOptions | null {
  if (!values.acme) {
    if (values["acme-http"] === undefined) return null;
    throw new UsageError("--acme-http is part of --acme: add --acme, or leave it out.");
  }
  const publicUrl = values["public-url"];
  if (publicUrl === undefined || !publicUrl.startsWith("https://")) {
    throw new UsageError("--acme needs the name that gets a certificate: --public-url https://NAME.");
  }
  const names = [...new Set([gatewayHost(publicUrl), ...values["acme-domain"]].map(dnsName))];
  if (names.length > MAX_NAMES)
    throw new UsageError(`--acme-domain: a certificate has ${MAX_NAMES} names at most.`);
  const http = values["acme-http"] ?? null;
  const email = values["acme-email"] ?? null;
  if (email !== null && !/^[^\s@]{1,100}@[^\s@]{1,200}$/.test(email)) {
    throw new UsageError(`--acme-email: ${JSON.stringify(email)} is not an e-mail address.`);
  }
  return {
    names,
    publicUrl,
    email,
    directory: values["acme-directory"],
    caFile: values["acme-ca"] ?? null,
    http,
    challenges: challengesOf(values["acme-challenge"], http),
    externalAccount: externalAccountOf(values["acme-eab-kid"], values["acme-eab-key"]),
  };
}

/**
 * Where account and certificates of one authority are kept. Those of a different one, such as a staging
 * server, are never mixed up with them.
 */
export function acmeDirectory(dataDir: string, { directory }: Pick<AcmeOptions, "directory">): string {
  const { host, pathname } = new URL(directory);
  const name = `${host}${pathname}`.toLowerCase().replace(/[^a-z0-9.-]+/g, "_");
  return join(dataDir, "acme", name.replace(/^[.]+|_+$/g, "").slice(0, 200));
}

/** The certificate chain and its key, in one file: so neither is ever beside the wrong other. */
export function certificateFile(dataDir: string, options: Pick<AcmeOptions, "directory">): string {
  return join(acmeDirectory(dataDir, options), "certificate.pem");
}

function dnsName(name: string): string {
  if (isHostName(name) && isIP(name) === 0 && /\.[^.]*[a-z][^.]*$/i.test(name)) return name.toLowerCase();
  throw new UsageError(
    `--acme: there is no certificate for ${JSON.stringify(name)}. Give a public DNS name such as gateway.example, without *.`,
  );
}

function challengesOf(chosen: ChallengeKind | undefined, http: ListenAddress | null): ChallengeKind[] {
  if (chosen === "http-01" && http === null) {
    throw new UsageError("--acme-challenge http-01 needs --acme-http, such as 0.0.0.0:80.");
  }
  if (chosen !== undefined) return [chosen];
  return http === null ? ["tls-alpn-01"] : ["http-01", "tls-alpn-01"];
}

function externalAccountOf(
  kid: string | undefined,
  keyFile: string | undefined,
): AcmeOptions["externalAccount"] {
  if (kid === undefined && keyFile === undefined) return null;
  if (kid === undefined || keyFile === undefined) {
    throw new UsageError("--acme-eab-kid and --acme-eab-key go together.");
  }
  return { kid, keyFile };
}
