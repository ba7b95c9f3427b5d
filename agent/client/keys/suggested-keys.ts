// The order in which keys are suggested for registration. ssh's own order (ssh_config(5), IdentityFile) is not good advice: it
// begins with RSA and ECDSA for the sake of old servers. Pure.

import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";

/**
 * Ed25519 first: it is short and fast, and its signatures need no random numbers, which have leaked ECDSA keys when they were
 * bad. Among Ed25519 keys, those that need no touch come first. Otherwise the order stays.
 */
export function suggestedFirst<T extends { readonly key: Pick<SshPublicKey, "type"> }>(
  found: readonly T[],
): T[] {
  return found.toSorted((a, b) => rank(a.key.type) - rank(b.key.type));
}

function rank(type: SshPublicKey["type"]): number {
  if (type === "ssh-ed25519") return 0;
  return type === "sk-ssh-ed25519@openssh.com" ? 1 : 2;
}
