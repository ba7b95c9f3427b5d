// The options that say how a host runs, for `sallyport host` and for the service that runs it.

import type { CommandDefinition } from "../../../../protocol/command/definition.ts";
import { DIRECTORY, FILE, text } from "../../../../protocol/command/value-types.ts";
import { parseBrowserUrl } from "../../../../protocol/values/browser-url.ts";
import { parseFolder } from "../../../../protocol/values/folder.ts";
import { parseName } from "../../../../protocol/values/name.ts";
import { GATEWAY_OPTION, NETWORK_OPTIONS } from "../../shared-options.ts";

const REGISTERS = "Who registers (by default, the account that is signed in on this machine)";
const COMES_IN = "Who may come in";

export const HOST_OPTIONS = {
  token: {
    type: text("TOKEN"),
    description:
      "an access token with the scope `host`; others on this machine may see it in the process list",
    group: REGISTERS,
  },
  // Not in the configuration file, which says nothing of the gateway that the token is for.
  "token-file": { type: FILE, description: "a file with the access token", group: REGISTERS },
  open: {
    description:
      "register without an account, where the gateway allows it; the workspace's id is the secret that opens it",
    group: REGISTERS,
  },
  "authorized-keys": {
    type: FILE,
    description: "keys in OpenSSH's authorized_keys form; may be given several times; watched for changes",
    repeated: "each",
    group: COMES_IN,
    config: true,
  },
  "no-account-keys": {
    description: "do not let in the keys of the account at the gateway",
    group: COMES_IN,
    config: true,
  },
  anyone: { description: "everyone who can reach the workspace, without a key", group: COMES_IN },
  "end-to-end-only": {
    description: "only connections that the gateway cannot read",
    group: COMES_IN,
    config: true,
  },
  "no-owner-token": { description: "no sign-in by owner token", group: COMES_IN, config: true },
  gateway: {
    type: GATEWAY_OPTION.type,
    description: "the gateway",
    variable: GATEWAY_OPTION.variable,
    config: true,
  },
  name: {
    type: { hint: "NAME", read: (given: string) => parseName(given) },
    description: "the workspace's name",
    otherwise: "this machine's name",
    variable: "SALLYPORT_NAME",
    config: true,
  },
  shell: {
    type: { ...FILE, hint: "PATH" },
    description: "the shell of sessions",
    otherwise: "the login shell",
    config: true,
  },
  cwd: {
    type: DIRECTORY,
    description: "where sessions start",
    otherwise: "the home directory",
    config: true,
  },
  folder: {
    type: { ...DIRECTORY, read: (given: string) => parseFolder(given) },
    description: "the folder that editors open first: an absolute path",
    otherwise: "--cwd",
    variable: "SALLYPORT_FOLDER",
    config: true,
  },
  "browser-url": {
    type: { hint: "URL", read: (given: string) => parseBrowserUrl(given) },
    description:
      "what the workspace shows in a browser, http or https; everyone who sees the workspace sees it, so no secret belongs in it",
    variable: "SALLYPORT_BROWSER_URL",
    config: true,
  },
  state: {
    type: DIRECTORY,
    description: "where the host key and ids are kept between starts",
    variable: "SALLYPORT_STATE",
    config: true,
  },
  "allow-plain-http": { description: "talk to a gateway on another machine without TLS" },
  json: { description: 'one JSON object per line on stdout, the first one {"event":"ready",…}' },
  verbose: { short: "v", description: "say more on stderr" },
  ...NETWORK_OPTIONS,
} as const satisfies CommandDefinition["options"];
