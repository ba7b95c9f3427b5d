// Writes and reads private keys in the file formats that OpenSSH and ssh2 read.

import { createPrivateKey, generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { WireError, WireReader } from "./wire.ts";

const generate = promisify(generateKeyPair);

/**
 * Every server has one of each. OpenSSH in FIPS mode and older clients such as JSch do not know Ed25519, but know ECDSA; RSA is
 * for clients that know nothing else.
 */
export type HostKeyKind = "ed25519" | "ecdsa" | "rsa";

/** Generates a private key, as text that OpenSSH and ssh2 read. Does not block the event loop: RSA takes a second or more. */
export async function newHostKey(kind: HostKeyKind): Promise<string> {
  switch (kind) {
    case "ed25519":
      return opensshEd25519((await generate("ed25519")).privateKey);
    case "ecdsa": {
      const { privateKey } = await generate("ec", { namedCurve: "P-256" });
      return privateKey.export({ type: "sec1", format: "pem" }).toString();
    }
    case "rsa": {
      const { privateKey } = await generate("rsa", { modulusLength: 3072, publicExponent: 0x10001 });
      return privateKey.export({ type: "pkcs1", format: "pem" }).toString();
    }
  }
}

/**
 * Writes OpenSSH's private key file, unencrypted (PROTOCOL.key). Not left to ssh2, whose generator strips leading zero bytes
 * from Ed25519 public keys, and so makes a broken key once in 256 times.
 */
export function opensshEd25519(key: KeyObject): string {
  const { x, d } = key.export({ format: "jwk" });
  const publicKey = Buffer.from(x ?? "", "base64url");
  const seed = Buffer.from(d ?? "", "base64url");
  const blob = Buffer.concat([string("ssh-ed25519"), string(publicKey)]);
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, blob, string(Buffer.concat([seed, publicKey])), string("")]);
  const padding = Buffer.from(Array.from({ length: -secret.length & 7 }, (_, index) => index + 1));
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    string("none"),
    string("none"),
    string(""),
    Buffer.from([0, 0, 0, 1]),
    string(blob),
    string(Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString("base64").replace(/.{70}/g, "$&\n").trimEnd();
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/**
 * Reads what `opensshEd25519` and `ssh-keygen -t ed25519 -N ""` write.
 * @throws Error if the text is not an unencrypted Ed25519 key; its message reveals nothing of the key
 */
export function parseOpensshEd25519(text: string): KeyObject {
  const base64 =
    /^-----BEGIN OPENSSH PRIVATE KEY-----\s([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----\s*$/.exec(
      text.trim(),
    )?.[1];
  try {
    const file = Buffer.from(base64 ?? "", "base64");
    const magic = Buffer.from("openssh-key-v1\0");
    if (!file.subarray(0, magic.length).equals(magic)) throw new WireError("Not in OpenSSH's form.");
    const reader = new WireReader(file, magic.length);
    if (reader.text() !== "none") throw new WireError("Encrypted.");
    reader.string();
    reader.string();
    if (reader.uint32() !== 1) throw new WireError("Not one key.");
    reader.string();
    const secret = new WireReader(reader.string());
    const check = secret.uint32();
    if (secret.uint32() !== check || secret.text() !== "ssh-ed25519") throw new WireError("Not ed25519.");
    const x = secret.string().toString("base64url");
    const d = secret.string().subarray(0, 32).toString("base64url");
    return createPrivateKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x, d } });
  } catch {
    // The cause could quote the key.
    throw new Error("This is not an unencrypted ed25519 private key in OpenSSH's format.");
  }
}

/** An SSH string (RFC 4251 §5): length and bytes. */
function string(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
