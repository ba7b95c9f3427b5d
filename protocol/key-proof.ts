// How a person proves to a gateway that a public key is theirs: by a signature over a text that says what for
// (`ssh-keygen -Y sign`), or by one SSH sign-in under a name of its own and a code. Both sides write the text themselves, from
// what each knows, so that a gateway cannot have a proof made for another gateway or another account.

import type { GatewayUrl } from "./values/gateway-url.ts";
import type { Name } from "./values/name.ts";

/** Keeps such a signature from meaning anything elsewhere (ssh-keygen(1), `-n`). */
export const KEY_PROOF_NAMESPACE = "key-proof@sallyport";

export interface KeyProof {
  /** The URL that the person knows the gateway by, which has to be its public one. */
  readonly gateway: GatewayUrl;
  readonly account: Name;
  readonly fingerprint: string;
  /** As the gateway made it: NONCE_PATTERN. */
  readonly nonce: string;
}

/** 32 random bytes in base64url. */
export const NONCE_PATTERN = "^[A-Za-z0-9_-]{43}$";

/** What is signed: legible, since a person may be asked for a touch or a passphrase for it. */
export function keyProofText({ gateway, account, fingerprint, nonce }: KeyProof): string {
  return [
    "Sallyport: this key is to open my account.",
    `gateway: ${gateway}`,
    `account: ${account}`,
    `key: ${fingerprint}`,
    `nonce: ${nonce}`,
    "",
  ].join("\n");
}

/**
 * The user name of an SSH sign-in that proves a key: `ssh prove+key@gateway`. It is no workspace's name, so no ordinary
 * connection carries it.
 */
export const PROVE_USER = "prove+key";

/** What a person types then: the account, and eight characters that cannot be mistaken for each other. */
export const PROOF_CODE_PATTERN = "^[a-z0-9-]{1,40}/[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$";

export const PROOF_CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/** A code as people type it, in its one form; undefined: it is not one. */
export function parseProofCode(text: string): string | undefined {
  const [account = "", code = "", ...more] = text.trim().split("/");
  const letters = code.toUpperCase().replace(/[\s-]/g, "");
  const normal = `${account.trim().toLowerCase()}/${letters.slice(0, 4)}-${letters.slice(4)}`;
  return more.length === 0 && new RegExp(PROOF_CODE_PATTERN).test(normal) ? normal : undefined;
}

/** The command that proves a key by SSH; undefined: the gateway does not serve SSH. */
export function proveCommand(
  ssh: { readonly host: string; readonly port: number } | null,
): string | undefined {
  if (ssh === null) return undefined;
  return `ssh ${ssh.port === 22 ? "" : `-p ${ssh.port} `}${PROVE_USER}@${ssh.host}`;
}
