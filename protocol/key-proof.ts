// How a person proves to a gateway that a public key is theirs: with a signature over a text that says what it is for
// (`ssh-keygen -Y sign`), or with one SSH sign-in under a user name made for this and a code. Each side writes the text itself,
// from what it knows, so a gateway cannot obtain a proof that would count at a different gateway or for a different account.

import type { GatewayUrl } from "./values/gateway-url.ts";
import type { Name } from "./values/name.ts";

/** Makes such a signature worthless for any other purpose (ssh-keygen(1), `-n`). */
export const KEY_PROOF_NAMESPACE = "key-proof@sallyport";

export interface KeyProof {
  /** The URL by which the person knows the gateway. It has to be its public URL. */
  readonly gateway: GatewayUrl;
  readonly account: Name;
  readonly fingerprint: string;
  /** Made by the gateway: NONCE_PATTERN. */
  readonly nonce: string;
}

/** 32 random bytes in base64url. */
export const NONCE_PATTERN = "^[A-Za-z0-9_-]{43}$";

/** The text that is signed. It is legible, since a person may be asked for a touch or a passphrase for it. */
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
 * The user name of an SSH sign-in that proves a key: `ssh prove+key@gateway`. No workspace can have this name, so no ordinary
 * connection uses it.
 */
export const PROVE_USER = "prove+key";

/** What a person types at that sign-in: the account, and eight characters that do not look alike. */
export const PROOF_CODE_PATTERN = "^[a-z0-9-]{1,40}/[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$";

export const PROOF_CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/** Brings a code that a person typed into its canonical form; undefined: it is not a code. */
export function parseProofCode(text: string): string | undefined {
  const [account = "", code = "", ...more] = text.trim().split("/");
  const letters = code.toUpperCase().replace(/[\s-]/g, "");
  const normal = `${account.trim().toLowerCase()}/${letters.slice(0, 4)}-${letters.slice(4)}`;
  return more.length === 0 && new RegExp(PROOF_CODE_PATTERN).test(normal) ? normal : undefined;
}

/** The command that proves a key over SSH; undefined: the gateway does not serve SSH. */
export function proveCommand(
  ssh: { readonly host: string; readonly port: number } | null,
): string | undefined {
  if (ssh === null) return undefined;
  return `ssh ${ssh.port === 22 ? "" : `-p ${ssh.port} `}${PROVE_USER}@${ssh.host}`;
}
