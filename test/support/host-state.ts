// What hosts and gateways that a test starts find in their directories: an RSA host key that they share with others of their kind.
// To make one takes a third of a second of a whole core, and nothing about most tests depends on it.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ssh2 from "ssh2";
import { newHostKey } from "../../protocol/ssh/private-key.ts";

let hostKey: Promise<string> | undefined;
let gatewayKey: Promise<string> | undefined;

/** Makes a host's state directory. One that has an RSA key stays as it is. */
export async function prepareHostState(directory: string): Promise<void> {
  hostKey ??= newHostKey("rsa");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(join(directory, "ssh_host_rsa_key"), await hostKey, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** Makes a gateway's data directory, with its host keys. One that has host keys stays as it is. */
export async function prepareGatewayData(directory: string): Promise<void> {
  const keys = join(directory, "host-keys");
  if (existsSync(keys)) return;
  gatewayKey ??= newHostKey("rsa");
  const [ed25519, ecdsa, rsa] = await Promise.all([newHostKey("ed25519"), newHostKey("ecdsa"), gatewayKey]);
  const parsed = ssh2.utils.parseKey(ecdsa);
  if (parsed instanceof Error) throw parsed;
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  const files = {
    ssh_host_ed25519_key: ed25519,
    ssh_host_rsa_key: rsa,
    ssh_host_ecdsa_key: ecdsa,
    "ssh_host_ecdsa_key.pub": `${parsed.type} ${parsed.getPublicSSH().toString("base64")}\n`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(keys, name), text, { mode: 0o600 });
}
