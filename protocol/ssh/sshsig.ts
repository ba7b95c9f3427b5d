// Checks signatures that `ssh-keygen -Y sign` makes with an SSH key (OpenSSH PROTOCOL.sshsig): a public key, a namespace that
// says what the signature is for, a hash, and an SSH signature, in armour. Sallyport never makes them.

import { createHash } from "node:crypto";
import type { SshPublicKey } from "../values/ssh-public-key.ts";
import { isGoodSshSignature } from "./signature-format.ts";
import { encode, WireError, WireReader } from "./wire.ts";

const BEGIN = "-----BEGIN SSH SIGNATURE-----";
const END = "-----END SSH SIGNATURE-----";
const MAGIC = "SSHSIG";
const VERSION = 1;

/** In characters: an RSA-16384 key and its signature fit. */
export const MAX_SSHSIG = 16 * 1024;

/**
 * Whether `key` has signed `message` for `namespace`. A FIDO key has to show that somebody touched it, as for a sign-in. False
 * for anything else, such as a damaged signature, one made with a certificate, or one with SHA-1.
 */
export function isSignedBy(
  key: Pick<SshPublicKey, "type" | "blob">,
  namespace: string,
  message: Uint8Array,
  armored: string,
): boolean {
  try {
    return check(key, namespace, message, armored);
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

function check(
  { type, blob }: Pick<SshPublicKey, "type" | "blob">,
  namespace: string,
  message: Uint8Array,
  armored: string,
): boolean {
  const bytes = withoutArmour(armored);
  if (bytes.subarray(0, MAGIC.length).toString("latin1") !== MAGIC) return false;
  const reader = new WireReader(bytes, MAGIC.length);
  if (reader.uint32() !== VERSION) return false;
  const key = Buffer.from(blob, "base64");
  if (!reader.string().equals(key)) return false;
  if (reader.text(200) !== namespace) return false;
  const reserved = reader.string();
  const hash = reader.text(20);
  if (hash !== "sha256" && hash !== "sha512") return false;
  const signature = reader.string();
  if (!reader.done) return false;
  const digest = createHash(hash).update(message).digest();
  const signed = Buffer.concat([Buffer.from(MAGIC), encode(namespace, reserved, hash, digest)]);
  return isGoodSshSignature(
    { type, blob: key, signature, signed },
    { touchRequired: true, verificationRequired: false },
  );
}

/** Decodes the base64 between the two lines, with lines of any length, as ssh-keygen does. */
function withoutArmour(armored: string): Buffer {
  const text = armored.trim();
  if (text.length > MAX_SSHSIG || !text.startsWith(BEGIN) || !text.endsWith(END)) {
    throw new WireError("Not an armoured SSH signature.");
  }
  const base64 = text.slice(BEGIN.length, text.length - END.length).replace(/\s/g, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw new WireError("The signature's base64 is damaged.");
  return Buffer.from(base64, "base64");
}
