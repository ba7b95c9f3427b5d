// Turns the options of `sallyport host` into settings, and checks them before anything starts.

import { hostname } from "node:os";
import { type CommandContext, UsageError } from "../../../../protocol/command/command.ts";
import type { Input } from "../../../../protocol/command/run.ts";
import type { BrowserUrl } from "../../../../protocol/values/browser-url.ts";
import type { Folder } from "../../../../protocol/values/folder.ts";
import { type GatewayUrl, isPlainRemote } from "../../../../protocol/values/gateway-url.ts";
import { type Name, nearestName } from "../../../../protocol/values/name.ts";
import type { definition } from "./definition.ts";

type Values = Input<typeof definition>["options"];

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

type TokenSource =
  /** On the command line. */
  | { readonly kind: "value"; readonly token: string }
  | { readonly kind: "file"; readonly path: string }
  /** In the environment, or where a sign-in left it; there may be none. */
  | { readonly kind: "stored" }
  /** None, on purpose. */
  | { readonly kind: "open" };

/** @throws UsageError */
export function hostOptions(values: Values, env: CommandContext["env"]): HostOptions {
  const { gateway, anyone, folder } = values;
  if (gateway === undefined) {
    throw new UsageError("The gateway is missing: pass --gateway URL, or set SALLYPORT_GATEWAY.");
  }
  if (isPlainRemote(gateway) && !values["allow-plain-http"] && env.SALLYPORT_ALLOW_PLAIN_HTTP !== "1") {
    throw new UsageError(
      `${gateway} is plain http on another machine: the access token could be read on its way there. Use https, or pass --allow-plain-http.`,
    );
  }
  const token = tokenSource(values);
  const authorizedKeys = values["authorized-keys"];
  if (token.kind === "open" && authorizedKeys.length === 0 && !anyone) {
    throw new UsageError(
      "With --open there is no account whose keys could be let in: pass --authorized-keys FILE, or --anyone to let in everyone who knows the workspace's id.",
    );
  }
  if (values["no-account-keys"] && authorizedKeys.length === 0 && !anyone) {
    throw new UsageError("--no-account-keys leaves nobody to let in: pass --authorized-keys FILE as well.");
  }
  return {
    gateway,
    name: values.name ?? nearestName(hostname(), "workspace"),
    token,
    authorizedKeys,
    accountKeys: !values["no-account-keys"] && token.kind !== "open",
    anyone,
    endToEndOnly: values["end-to-end-only"],
    ownerTokens: !values["no-owner-token"],
    shell: values.shell,
    cwd: values.cwd,
    folder,
    browserUrl: values["browser-url"],
    state: values.state,
    json: values.json,
    verbose: values.verbose,
  };
}

function tokenSource(values: Values): TokenSource {
  if (values.token !== undefined) return { kind: "value", token: values.token };
  if (values["token-file"] !== undefined) return { kind: "file", path: values["token-file"] };
  return values.open ? { kind: "open" } : { kind: "stored" };
}
