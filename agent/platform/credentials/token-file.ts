// Credentials on a machine without a keychain: one file per gateway, 0600, in a directory of our own, 0700.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { type GatewayUrl, gatewayHost } from "../../../protocol/values/gateway-url.ts";
import { CommandError } from "../command-error.ts";
import { readPrivateFile, removePrivateFile, writePrivateFile } from "../files/private-file.ts";
import type { Machine } from "../paths.ts";
import { type Credential, formatCredential, parseCredential } from "./credential.ts";
import { stateDirectory } from "./gateways.ts";

/** The name contains the gateway's host, for people, and a hash of its whole URL, so that two gateways never share a file. */
export function tokenFile(gateway: GatewayUrl, env: Machine["env"]): string {
  const host = gatewayHost(gateway).replace(/[^a-z0-9.-]/g, "-");
  const hash = createHash("sha256").update(gateway).digest("hex").slice(0, 12);
  return join(stateDirectory(env), "tokens", `${host}-${hash}`);
}

/** @throws CommandError stage `file`, also where the file's mode or owner is wrong */
export function readTokenFile(gateway: GatewayUrl, env: Machine["env"]): Credential | undefined {
  const path = tokenFile(gateway, env);
  const text = readPrivateFile(path);
  if (text === undefined) return undefined;
  try {
    return parseCredential(text);
  } catch (cause) {
    throw new CommandError(
      "file",
      "bad_token",
      `${path} does not hold an access token: run \`sallyport login ${gateway}\`.`,
      { cause },
    );
  }
}

/** Returns the path. */
export function writeTokenFile(gateway: GatewayUrl, credential: Credential, env: Machine["env"]): string {
  const path = tokenFile(gateway, env);
  writePrivateFile(path, `${formatCredential(credential)}\n`);
  return path;
}

export function removeTokenFile(gateway: GatewayUrl, env: Machine["env"]): void {
  removePrivateFile(tokenFile(gateway, env));
}
