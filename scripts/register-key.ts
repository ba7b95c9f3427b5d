// Puts a key into an account as `sallyport keys add` does, for what starts a gateway of its own: named, and proved by ssh-keygen.

import { readFileSync } from "node:fs";
import type { GatewayApi } from "../agent/client/gateway-api.ts";
import { registerKey } from "../agent/client/keys/register-key.ts";
import { keygenRunner } from "../agent/client/keys/sign-proof.ts";
import type { Key } from "../protocol/api.ts";
import type { GatewayUrl } from "../protocol/values/gateway-url.ts";
import { parsePublicKey } from "../protocol/values/ssh-public-key.ts";

export interface KeyFile {
  /** The private file; or the public one, where an agent of `env` has the private half. */
  readonly path: string;
  readonly title?: string;
  /** Such as SSH_AUTH_SOCK, or SSH_ASKPASS for a key with a passphrase. */
  readonly env?: NodeJS.ProcessEnv;
}

export function registerKeyFile(
  api: GatewayApi,
  gateway: GatewayUrl,
  { path, title, env = process.env }: KeyFile,
): Promise<Key> {
  const publicFile = path.endsWith(".pub") ? path : `${path}.pub`;
  const key = parsePublicKey(readFileSync(publicFile, "utf8"));
  const run = keygenRunner({ env, signal: AbortSignal.timeout(60_000), terminal: false });
  return registerKey(api, gateway, { key, file: path, title }, run);
}
