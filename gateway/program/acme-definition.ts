// The options of `sallyport gateway` for certificates that it gets by itself.

import type { OptionDefinition } from "../../protocol/command/definition.ts";
import { choice, FILE, text } from "../../protocol/command/value-types.ts";
import { CHALLENGE_KINDS } from "../certificate/challenge-kind.ts";
import { ACME_DIRECTORY, ADDRESS } from "./value-types.ts";

const GROUP = "Automatic certificate";

/** Let's Encrypt. */
const DEFAULT_DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory";

export const ACME_OPTIONS = {
  acme: {
    description:
      "get the certificate for --public-url from an ACME authority, and renew it; you accept the authority's terms of service with it",
    group: GROUP,
    variable: "SALLYPORT_ACME",
    config: true,
  },
  "acme-domain": {
    type: text("NAME"),
    repeated: "separated",
    description: "a further name in the certificate",
    group: GROUP,
    variable: "SALLYPORT_ACME_DOMAIN",
    config: true,
  },
  "acme-email": {
    type: text("ADDRESS"),
    description: "where the authority may write to",
    otherwise: "none",
    group: GROUP,
    variable: "SALLYPORT_ACME_EMAIL",
    config: true,
  },
  "acme-directory": {
    type: ACME_DIRECTORY,
    description: "the authority's ACME directory",
    default: DEFAULT_DIRECTORY,
    group: GROUP,
    variable: "SALLYPORT_ACME_DIRECTORY",
    config: true,
  },
  "acme-ca": {
    type: FILE,
    description: "roots (PEM) for the authority's own server, where it is a private one",
    group: GROUP,
    variable: "SALLYPORT_ACME_CA",
    config: true,
  },
  "acme-http": {
    type: ADDRESS,
    description: "plain HTTP that answers HTTP-01 and redirects to https, such as 0.0.0.0:80",
    otherwise: "off",
    group: GROUP,
    variable: "SALLYPORT_ACME_HTTP",
    config: true,
  },
  "acme-challenge": {
    type: choice(CHALLENGE_KINDS, "KIND"),
    description: "`tls-alpn-01`, on the port of --http, or `http-01`",
    otherwise: "tls-alpn-01; with --acme-http first http-01, and the other after a failure",
    group: GROUP,
    variable: "SALLYPORT_ACME_CHALLENGE",
    config: true,
  },
  "acme-eab-kid": {
    type: text("ID"),
    description: "the account at the authority's site that it wants to be named (external account binding)",
    group: GROUP,
    variable: "SALLYPORT_ACME_EAB_KID",
    config: true,
  },
  "acme-eab-key": {
    type: FILE,
    description: "its key, in base64url, in a file that others cannot read",
    group: GROUP,
    variable: "SALLYPORT_ACME_EAB_KEY",
    config: true,
  },
} as const satisfies Record<string, OptionDefinition>;
