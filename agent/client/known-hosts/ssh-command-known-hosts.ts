// The known_hosts file of `sallyport ssh`, in Sallyport's configuration directory. Only Sallyport writes it.

import { join } from "node:path";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { stateDirectory } from "../../platform/credentials/gateways.ts";
import { withLock } from "../../platform/files/lock.ts";
import { readPrivateFile, writePrivateFile } from "../../platform/files/private-file.ts";
import type { Machine } from "../../platform/paths.ts";
import { keysFor, withKeysFor } from "./known-hosts-lines.ts";

function knownHostsFile(env: Machine["env"]): string {
  return join(stateDirectory(env), "known_hosts");
}

/** The keys that an earlier connection pinned. @throws CommandError stage `file` */
export function pinnedHostKeys(alias: string, env: Machine["env"]): SshPublicKey[] {
  return keysFor(readPrivateFile(knownHostsFile(env)) ?? "", [alias]);
}

/** Makes these the only keys for `alias`. Returns the file's path. @throws CommandError stage `file` */
export async function pinHostKeys(
  alias: string,
  keys: readonly SshPublicKey[],
  env: Machine["env"],
): Promise<string> {
  const path = knownHostsFile(env);
  const pinned = (text: string) => withKeysFor(text, alias, keys);
  const now = readPrivateFile(path) ?? "";
  // Without the lock, which is a file too: most connections change nothing, and the directory may be read-only.
  if (pinned(now) === now) return path;
  await withLock(`${path}.lock`, () => {
    const old = readPrivateFile(path) ?? "";
    const text = pinned(old);
    if (text !== old) writePrivateFile(path, text);
  });
  return path;
}
