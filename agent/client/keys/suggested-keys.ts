// Which of a person's keys comes first where one is to be registered. ssh's own order (ssh_config(5), IdentityFile) decides
// which registered key is used; but it begins with RSA and ECDSA for the sake of old servers, and is no advice. Pure.

import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";

/**
 * Ed25519 first: short, quick, and its signatures need no random numbers, whose faults have given ECDSA keys away. Of those
 * the one that needs no touch. Otherwise the order stays.
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
