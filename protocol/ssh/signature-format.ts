// A signature as SSH writes it, the algorithm's name in front (RFC 4253 §6.6), checked with key-signature.ts. For where
// ssh2 has not taken it apart: certificates, and sign-ins with one.

import type { KeyType } from "../values/ssh-public-key.ts";
import { isGoodSignature, type TouchPolicy } from "./key-signature.ts";
import { encode, WireError, WireReader } from "./wire.ts";

/** The formats in which a key of each type may sign: no SHA-1. */
function signatureFormats(type: KeyType): readonly string[] {
  return type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];
}

export interface SshSignature {
  /** The type of the key that signed. */
  readonly type: KeyType;
  /** The public key's wire form. */
  readonly blob: Buffer;
  readonly signature: Buffer;
  readonly signed: Buffer;
  /** The format that the request names, if any. A different one is refused. */
  readonly format?: string;
}

/** False for anything that is not a good signature, damaged input included. */
export function isGoodSshSignature(proof: SshSignature, touch: TouchPolicy): boolean {
  try {
    const { type, blob, signature, signed } = proof;
    const reader = new WireReader(signature);
    const format = reader.text(64);
    if (!signatureFormats(type).includes(format)) return false;
    if (proof.format !== undefined && proof.format !== format) return false;
    const start = reader.offset + 4;
    const inner = reader.string();
    // FIDO signatures are followed by flags and a counter; key-signature.ts reads them together.
    if (!type.startsWith("sk-") && !reader.done) return false;
    const hash =
      format === "rsa-sha2-512" ? "sha512" : format === "rsa-sha2-256" ? ("sha256" as const) : undefined;
    const bytes = type.startsWith("sk-")
      ? signature.subarray(start)
      : type.startsWith("ecdsa-")
        ? derSignature(inner)
        : inner;
    return isGoodSignature({ type, blob, hash, signature: bytes, signed }, touch);
  } catch (error) {
    // What cannot even be read proves nothing.
    if (error instanceof WireError) return false;
    throw error;
  }
}

/** Converts an ECDSA signature from DER to SSH's two mpints. @throws WireError */
export function sshEcdsaSignature(der: Buffer): Buffer {
  const numbers: Buffer[] = [];
  // SEQUENCE, its length in one byte or two; then two INTEGERs, whose bytes are an mpint's.
  let offset = der[1] === 0x81 ? 3 : 2;
  while (offset < der.length && numbers.length < 2) {
    const length = der[offset + 1] ?? 0;
    const number = der.subarray(offset + 2, offset + 2 + length);
    if (der[offset] !== 0x02 || length === 0 || number.length !== length) break;
    numbers.push(number);
    offset += 2 + length;
  }
  if (numbers.length !== 2 || offset !== der.length) throw new WireError("Not an ECDSA signature in DER.");
  return encode(...numbers);
}

/** Converts ECDSA's two mpints (RFC 5656 §3.1.2) to DER, which encodes numbers the same way. */
function derSignature(bytes: Buffer): Buffer {
  const reader = new WireReader(bytes);
  const numbers = [reader.string(), reader.string()];
  if (!reader.done) throw new WireError("More than two numbers.");
  const body = Buffer.concat(numbers.flatMap((number) => [Buffer.from([0x02]), derLength(number), number]));
  return Buffer.concat([Buffer.from([0x30]), derLength(body), body]);
}

function derLength({ length }: Buffer): Buffer {
  if (length > 255) throw new WireError("A number beyond any curve.");
  return length < 128 ? Buffer.from([length]) : Buffer.from([0x81, length]);
}
