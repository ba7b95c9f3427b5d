// What `sallyport host` takes from its command line and environment, checked before anything starts.

import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { UsageError } from "../../../../protocol/command/command.ts";
import { type BrowserUrl, parseBrowserUrl } from "../../../../protocol/values/browser-url.ts";
import { type Folder, parseFolder } from "../../../../protocol/values/folder.ts";
import { type GatewayUrl, isPlainRemote, parseGatewayUrl } from "../../../../protocol/values/gateway-url.ts";
import { type Name, nearestName, parseName } from "../../../../protocol/values/name.ts";

export interface HostOptions {
  readonly gateway: GatewayUrl;
  readonly name: Name;
  readonly token: TokenSource;
  readonly authorizedKeys: readonly string[];
  readonly accountKeys: boolean;
  readonly anyone: boolean;
  readonly endToEndOnly: boolean;
  readonly ownerTokens: boolean;
  readonly shell: string | undefined;
  readonly cwd: string | undefined;
  readonly folder: Folder | undefined;
  readonly browserUrl: BrowserUrl | undefined;
  readonly state: string | undefined;
  readonly json: boolean;
  readonly verbose: boolean;
}

/** `stored`: what `sallyport login` left, if anything; `open`: none on purpose. */
export type TokenSource =
  /** Of the command line. */
  | { readonly kind: "value"; readonly token: string }
  | { readonly kind: "file"; readonly path: string }
  /** In the environment, or where a sign-in left it. */
  | { readonly kind: "stored" }
  | { readonly kind: "open" };

/** @throws UsageError, ProtocolError bad_name, bad_url, bad_request (the folder) */
export function parseHostOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): HostOptions {
  const values = parse(args);
  const gatewayText = values.gateway ?? env.SALLYPORT_GATEWAY;
  if (gatewayText === undefined) {
    throw new UsageError("which gateway? Pass --gateway URL, or set SALLYPORT_GATEWAY");
  }
  const gateway = parseGatewayUrl(gatewayText);
  if (
    isPlainRemote(gateway) &&
    values["allow-plain-http"] !== true &&
    env.SALLYPORT_ALLOW_PLAIN_HTTP !== "1"
  ) {
    throw new UsageError(
      `${gateway} is plain http on another machine: the access token could be read on the way. Use https, or pass --allow-plain-http`,
    );
  }
  const token = tokenSource(values);
  const authorizedKeys = values["authorized-keys"] ?? [];
  const anyone = values.anyone === true;
  if (token.kind === "open" && authorizedKeys.length === 0 && !anyone) {
    throw new UsageError(
      "an open registration (--open) has no account whose keys could be let in: pass --authorized-keys FILE, or --anyone if really everyone who knows the id may come in",
    );
  }
  if (values["no-account-keys"] === true && authorizedKeys.length === 0 && !anyone) {
    throw new UsageError("--no-account-keys leaves nobody to let in: pass --authorized-keys FILE as well");
  }
  const name = values.name ?? env.SALLYPORT_NAME;
  const folder = values.folder ?? env.SALLYPORT_FOLDER;
  const browserUrl = values["browser-url"] ?? env.SALLYPORT_BROWSER_URL;
  return {
    gateway,
    name: name === undefined ? nearestName(hostname(), "workspace") : parseName(name),
    token,
    authorizedKeys,
    accountKeys: values["no-account-keys"] !== true && token.kind !== "open",
    anyone,
    endToEndOnly: values["end-to-end-only"] === true,
    ownerTokens: values["no-owner-token"] !== true,
    shell: values.shell,
    cwd: values.cwd,
    folder: folder === undefined ? undefined : parseFolder(folder),
    browserUrl: browserUrl === undefined ? undefined : parseBrowserUrl(browserUrl),
    state: values.state ?? env.SALLYPORT_STATE,
    json: values.json === true,
    verbose: values.verbose === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: false,
      options: {
        gateway: { type: "string" },
        name: { type: "string" },
        token: { type: "string" },
        "token-file": { type: "string" },
        open: { type: "boolean" },
        "authorized-keys": { type: "string", multiple: true },
        "no-account-keys": { type: "boolean" },
        anyone: { type: "boolean" },
        "end-to-end-only": { type: "boolean" },
        "no-owner-token": { type: "boolean" },
        shell: { type: "string" },
        cwd: { type: "string" },
        folder: { type: "string" },
        "browser-url": { type: "string" },
        state: { type: "string" },
        "allow-plain-http": { type: "boolean" },
        json: { type: "boolean" },
        verbose: { type: "boolean", short: "v" },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function tokenSource(values: { token?: string; "token-file"?: string; open?: boolean }): TokenSource {
  const given = [values.token, values["token-file"], values.open].filter(
    (value) => value !== undefined,
  ).length;
  if (given > 1) throw new UsageError("--token, --token-file and --open exclude each other");
  if (values.token !== undefined) return { kind: "value", token: values.token };
  if (values["token-file"] !== undefined) return { kind: "file", path: values["token-file"] };
  if (values.open === true) return { kind: "open" };
  return { kind: "stored" };
}
