// Options that several commands take, with one meaning.

import type { Exclusive, OperandDefinition, OptionDefinition } from "../../protocol/command/definition.ts";
import { FILE, text } from "../../protocol/command/value-types.ts";
import { VARIABLE } from "../platform/network/configured-network.ts";
import { GATEWAY, WORKSPACE } from "./value-types.ts";

type Options = Readonly<Record<string, OptionDefinition>>;

/** The heading of these options. */
export const NETWORK_GROUP = "Network";

/**
 * For every command that talks to a gateway. They are handed on as variables, so that a command, and the companion that ssh
 * starts on its behalf, have one place to look.
 */
export const NETWORK_OPTIONS = {
  proxy: {
    type: text("URL"),
    description:
      "a proxy (http, https, socks4, socks5), or `none`; one with a password only by SALLYPORT_PROXY or SALLYPORT_PROXY_FILE",
    otherwise: "HTTPS_PROXY and its like, or an editor's http.proxy",
    variable: VARIABLE.proxy,
    config: true,
    group: NETWORK_GROUP,
    once: true,
    exported: true,
    secretProblem: (url) =>
      url.includes("@")
        ? "A proxy's user name and password can be seen by others here: put the whole address into SALLYPORT_PROXY, or into " +
          "a file that SALLYPORT_PROXY_FILE names."
        : undefined,
  },
  pac: {
    type: { ...FILE, hint: "FILE|URL" },
    description: "let a proxy auto-configuration script choose the proxy",
    variable: VARIABLE.pac,
    config: true,
    group: NETWORK_GROUP,
    once: true,
    exported: true,
  },
  ca: {
    type: FILE,
    description: "trust these certificate authorities as well (PEM)",
    variable: VARIABLE.ca,
    config: true,
    group: NETWORK_GROUP,
    once: true,
    exported: true,
  },
  "client-cert": {
    type: FILE,
    description: "show this client certificate (PEM)",
    variable: VARIABLE.clientCert,
    config: true,
    group: NETWORK_GROUP,
    once: true,
    exported: true,
  },
  "client-key": {
    type: FILE,
    description: "the private key of the client certificate (PEM)",
    variable: VARIABLE.clientKey,
    config: true,
    group: NETWORK_GROUP,
    once: true,
    exported: true,
  },
} as const satisfies Options;

export const ONE_PROXY: Exclusive = { options: ["proxy", "pac"], variables: [VARIABLE.proxyFile] };

export const VERBOSE = {
  short: "v",
  description: "show the causes of a failure",
} as const satisfies OptionDefinition;

export const JSON_OUTPUT = { description: "print JSON" } as const satisfies OptionDefinition;

export const GATEWAY_OPTION = {
  type: { ...GATEWAY, hint: "URL" },
  description: "the gateway",
  otherwise: "the one that you are signed in at",
  variable: "SALLYPORT_GATEWAY",
  config: true,
} as const satisfies OptionDefinition;

/** For commands that ask a gateway something on behalf of an account. */
export const ACCOUNT_OPTIONS = {
  gateway: GATEWAY_OPTION,
  json: JSON_OUTPUT,
  verbose: VERBOSE,
  ...NETWORK_OPTIONS,
} as const satisfies Options;

export const GATEWAY_OPERAND = {
  type: GATEWAY,
  description:
    "the gateway's URL; without it, the one that SALLYPORT_GATEWAY or the configuration file names, or the default one",
  optional: true,
  variable: "SALLYPORT_GATEWAY",
  config: true,
} as const satisfies OperandDefinition;

export const WORKSPACE_OPERAND = {
  type: WORKSPACE,
  description: "its name, `name.owner` for one that is shared with you, or its id (ws_…)",
} as const satisfies OperandDefinition;

/** How commands prove who asks. */
export const TOKEN_VARIABLES = {
  SALLYPORT_TOKEN:
    "an access token, or for tunnel and ssh an owner token, for the gateway that SALLYPORT_GATEWAY names",
  SALLYPORT_TOKEN_FILE: "a file that holds it",
} as const;
