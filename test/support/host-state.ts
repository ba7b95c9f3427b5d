// The state directory of a host that a test starts: with an RSA key that all of them share, since making one takes a second of
// a whole core, and nothing about most tests depends on it.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newHostKey } from "../../protocol/ssh/private-key.ts";

let rsa: Promise<string> | undefined;

/** Makes the directory; one that has an RSA key stays as it is. */
export async function prepareHostState(directory: string): Promise<void> {
  rsa ??= newHostKey("rsa");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(join(directory, "ssh_host_rsa_key"), await rsa, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
