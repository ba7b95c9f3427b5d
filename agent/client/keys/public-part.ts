// Reads the public key from key blobs, certificates, .pub lines, and private key files, of which only the public part is read.
// Pure.

import { ProtocolError } from "../../../protocol/errors.ts";
import { encode, WireError, WireReader } from "../../../protocol/ssh/wire.ts";
import { type KeyType, parsePublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";

/** A public key, and whether it was in an OpenSSH user certificate. */
export interface PublicPart {
  readonly key: SshPublicKey;
  readonly certificate: boolean;
}

/** By certificate type: the type of the key in it, and the number of the key's fields (OpenSSH PROTOCOL.certkeys). */
const CERTIFICATES: Readonly<Record<string, readonly [type: KeyType, fields: number]>> = {
  "ssh-ed25519-cert-v01@openssh.com": ["ssh-ed25519", 1],
  "ssh-rsa-cert-v01@openssh.com": ["ssh-rsa", 2],
  "ecdsa-sha2-nistp256-cert-v01@openssh.com": ["ecdsa-sha2-nistp256", 2],
  "ecdsa-sha2-nistp384-cert-v01@openssh.com": ["ecdsa-sha2-nistp384", 2],
  "ecdsa-sha2-nistp521-cert-v01@openssh.com": ["ecdsa-sha2-nistp521", 2],
  "sk-ssh-ed25519-cert-v01@openssh.com": ["sk-ssh-ed25519@openssh.com", 2],
  "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com": ["sk-ecdsa-sha2-nistp256@openssh.com", 3],
};
const USER_CERTIFICATE = 1;

/** undefined: a key type that Sallyport does not support (DSA, XMSS), a host certificate, or a damaged blob. */
export function publicPartOfBlob(blob: Buffer, comment: string): PublicPart | undefined {
  try {
    const reader = new WireReader(blob);
    const type = reader.text(100);
    const certified = Object.hasOwn(CERTIFICATES, type) ? CERTIFICATES[type] : undefined;
    if (certified === undefined) {
      return { key: asKey(type, blob, comment), certificate: false };
    }
    const [keyType, fieldCount] = certified;
    reader.string(); // The nonce.
    const fields: Buffer[] = [];
    for (let index = 0; index < fieldCount; index++) fields.push(reader.string());
    reader.uint32();
    reader.uint32(); // Both halves of the serial number.
    if (reader.uint32() !== USER_CERTIFICATE) return undefined;
    return { key: asKey(keyType, encode(keyType, ...fields), comment), certificate: true };
  } catch (error) {
    if (error instanceof WireError || error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** The first key or certificate of a .pub file; undefined if there is none. */
export function publicPartOfLine(text: string): PublicPart | undefined {
  for (const line of text.split(/\r?\n/)) {
    const [type = "", base64 = "", ...comment] = line.trim().split(/[ \t]+/);
    if (type === "" || type.startsWith("#")) continue;
    const part = publicPartOfBlob(Buffer.from(base64, "base64"), comment.join(" "));
    return part;
  }
  return undefined;
}

export type PrivateFile =
  /** OpenSSH's own format, in which the public key is not encrypted (PROTOCOL.key). */
  | { readonly format: "openssh"; readonly part: PublicPart | undefined; readonly encrypted: boolean }
  /** PEM, in which the public key is encrypted together with the private one. */
  | { readonly format: "pem"; readonly encrypted: boolean }
  | { readonly format: "none" };

const MAGIC = "openssh-key-v1\0";

/** What can be read from a private key file without its passphrase. */
export function inspectPrivateFile(text: string): PrivateFile {
  const [, label, body] = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----([^-]*)/.exec(text) ?? [];
  if (label === undefined || body === undefined) return { format: "none" };
  if (label !== "OPENSSH PRIVATE KEY") {
    return {
      format: "pem",
      encrypted: label.startsWith("ENCRYPTED ") || /^Proc-Type:.*ENCRYPTED/m.test(text),
    };
  }
  const bytes = Buffer.from(body, "base64");
  if (bytes.subarray(0, MAGIC.length).toString("latin1") !== MAGIC) return { format: "none" };
  try {
    const reader = new WireReader(bytes, MAGIC.length);
    const cipher = reader.text(100);
    reader.string(); // The name of the key derivation,
    reader.string(); // and its options.
    if (reader.uint32() !== 1) return { format: "none" };
    return {
      format: "openssh",
      part: publicPartOfBlob(Buffer.from(reader.string()), ""),
      encrypted: cipher !== "none",
    };
  } catch (error) {
    if (error instanceof WireError) return { format: "none" };
    throw error;
  }
}

function asKey(type: string, blob: Buffer, comment: string): SshPublicKey {
  const key = parsePublicKey(`${type} ${blob.toString("base64")}`);
  return {
    ...key,
    comment: comment
      .replace(/[\p{Cc}\p{Cf}]/gu, " ")
      .trim()
      .slice(0, 200),
  };
}
