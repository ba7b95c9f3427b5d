// Verifies the signature that proves a public key (RFC 4252 §7), for every key type that Sallyport accepts. FIDO keys
// ("sk-…") sign more than the message: OpenSSH PROTOCOL.u2f.

import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import type { KeyType } from "../values/ssh-public-key.ts";
import { WireError, WireReader } from "./wire.ts";

export interface Proof {
  readonly type: KeyType;
  /** The public key's wire form. */
  readonly blob: Buffer;
  /** For RSA keys only. */
  readonly hash: "sha256" | "sha512" | undefined;
  /** Without the algorithm's name in front; DER for ECDSA, as ssh2 passes it. */
  readonly signature: Buffer;
  /** What was signed. */
  readonly signed: Buffer;
}

/** What an authorized_keys line requires of a FIDO key. */
export interface TouchPolicy {
  readonly touchRequired: boolean;
  readonly verificationRequired: boolean;
}

/** False for anything that is not a good signature, damaged input included. */
export function isGoodSignature(proof: Proof, touch: TouchPolicy): boolean {
  try {
    return check(proof, touch);
  } catch {
    // A key or signature that cannot even be read proves nothing.
    return false;
  }
}

const curves = {
  "ecdsa-sha2-nistp256": { name: "P-256", size: 32, hash: "sha256" },
  "ecdsa-sha2-nistp384": { name: "P-384", size: 48, hash: "sha384" },
  "ecdsa-sha2-nistp521": { name: "P-521", size: 66, hash: "sha512" },
} as const;
type Curve = (typeof curves)[keyof typeof curves];

function check({ type, blob, hash, signature, signed }: Proof, touch: TouchPolicy): boolean {
  const fields = new WireReader(blob);
  fields.string();
  switch (type) {
    case "ssh-ed25519":
      return verify(null, signed, ed25519(fields.string()), signature);
    case "ssh-rsa": {
      if (hash === undefined) return false;
      const e = fields.string();
      return verify(hash, signed, rsa(e, fields.string()), signature);
    }
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384":
    case "ecdsa-sha2-nistp521": {
      fields.string();
      const curve = curves[type];
      return verify(
        curve.hash,
        signed,
        { key: ecdsa(curve, fields.string()), dsaEncoding: "der" },
        signature,
      );
    }
    case "sk-ssh-ed25519@openssh.com": {
      const key = ed25519(fields.string());
      // After the name: signature | flags | counter.
      const message = u2fMessage(fields.string(), signature.subarray(64), signed, touch);
      return message !== undefined && verify(null, message, key, signature.subarray(0, 64));
    }
    case "sk-ecdsa-sha2-nistp256@openssh.com": {
      fields.string();
      const curve = curves["ecdsa-sha2-nistp256"];
      const key = ecdsa(curve, fields.string());
      // After the name: mpint r | mpint s | flags | counter.
      const numbers = new WireReader(signature);
      const r = numbers.string();
      const s = numbers.string();
      const message = u2fMessage(fields.string(), signature.subarray(8 + r.length + s.length), signed, touch);
      if (message === undefined) return false;
      const bare = Buffer.concat([padded(r, curve.size), padded(s, curve.size)]);
      return verify(curve.hash, message, { key, dsaEncoding: "ieee-p1363" }, bare);
    }
  }
}

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

/** SHA256(application) | flags | counter | SHA256(message); undefined if the flags show too little. */
function u2fMessage(
  application: Buffer,
  tail: Buffer,
  signed: Buffer,
  touch: TouchPolicy,
): Buffer | undefined {
  if (tail.length !== 5) return undefined;
  const flags = tail[0] ?? 0;
  if (touch.touchRequired && (flags & USER_PRESENT) === 0) return undefined;
  if (touch.verificationRequired && (flags & USER_VERIFIED) === 0) return undefined;
  return Buffer.concat([sha256(application), tail, sha256(signed)]);
}

function sha256(data: Buffer): Buffer {
  return createHash("sha256").update(data).digest();
}

function ed25519(point: Buffer): KeyObject {
  return createPublicKey({
    format: "jwk",
    key: { kty: "OKP", crv: "Ed25519", x: point.toString("base64url") },
  });
}

/**
 * With a public exponent as long as the modulus, verifying takes a hundred times as long, and the key's holder may have chosen
 * it so that signing costs nothing. No program makes such keys.
 */
const MAX_EXPONENT_BYTES = 4;

function rsa(e: Buffer, n: Buffer): KeyObject {
  const exponent = unsigned(e);
  if (exponent.length > MAX_EXPONENT_BYTES) throw new WireError("The public exponent is too large.");
  return createPublicKey({
    format: "jwk",
    key: { kty: "RSA", e: exponent.toString("base64url"), n: unsigned(n).toString("base64url") },
  });
}

/** `point` is uncompressed: 4 | x | y (RFC 5656 §3.1). */
function ecdsa(curve: Curve, point: Buffer): KeyObject {
  if (point.length !== 1 + 2 * curve.size || point[0] !== 4)
    throw new WireError("Not an uncompressed point.");
  const x = point.subarray(1, 1 + curve.size).toString("base64url");
  const y = point.subarray(1 + curve.size).toString("base64url");
  return createPublicKey({ format: "jwk", key: { kty: "EC", crv: curve.name, x, y } });
}

/** An mpint (RFC 4251 §5) without the leading zeros that mark it positive. */
function unsigned(mpint: Buffer): Buffer {
  let start = 0;
  while (start < mpint.length && mpint[start] === 0) start++;
  return mpint.subarray(start);
}

function padded(mpint: Buffer, size: number): Buffer {
  const bytes = unsigned(mpint);
  if (bytes.length > size) throw new WireError("A number beyond its curve.");
  return Buffer.concat([Buffer.alloc(size - bytes.length), bytes]);
}
