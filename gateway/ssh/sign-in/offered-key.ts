// The public key of a sign-in request (RFC 4252 §7), plain or in an OpenSSH user certificate, from what ssh2
// reports.

import type { PublicKeyAuthContext } from "ssh2";
import { ProtocolError } from "../../../protocol/errors.ts";
import { type Certificate, certificateType, parseCertificate } from "../../../protocol/ssh/certificate.ts";
import { isGoodSignature } from "../../../protocol/ssh/key-signature.ts";
import { isGoodSshSignature } from "../../../protocol/ssh/signature-format.ts";
import { isKeyType, type KeyType } from "../../../protocol/values/ssh-public-key.ts";

export interface OfferedKey {
  readonly type: KeyType;
  /** The plain key in wire form; with a certificate, the key that it certifies. */
  readonly blob: Buffer;
  /** authorized_keys form, without a comment. */
  readonly line: string;
  /**
   * It is well-formed and signed by the authority that it names; whether that one is trusted is not checked.
   */
  readonly certificate: Certificate | undefined;
  /** Whether the request has a valid signature by this key. */
  isSigned(): boolean;
}

/** undefined: the type is not accepted, it is RSA with SHA-1, or it is malformed. */
export function offeredKey(context: PublicKeyAuthContext): OfferedKey | undefined {
  return isKeyType(context.key.algo)
    ? plainKey(context, context.key.algo)
    : certifiedKey(context, context.key.algo);
}

function plainKey(context: PublicKeyAuthContext, type: KeyType): OfferedKey | undefined {
  const { signature, blob: signed, hashAlgo } = context;
  const hash = hashAlgo === "sha256" || hashAlgo === "sha512" ? hashAlgo : undefined;
  if (type === "ssh-rsa" && hash === undefined) return undefined;
  const blob = Buffer.from(context.key.data);
  // The algorithm in the request and the type inside the key are separate fields, which must agree.
  if (blob.subarray(4, 4 + type.length).toString("latin1") !== type) return undefined;
  return {
    type,
    blob,
    line: lineOf(type, blob),
    certificate: undefined,
    isSigned: () =>
      signature !== undefined &&
      signed !== undefined &&
      isGoodSignature({ type, blob, hash, signature, signed }, touch(false)),
  };
}

function certifiedKey(context: PublicKeyAuthContext, algorithm: string): OfferedKey | undefined {
  const wanted = certificateType(algorithm);
  if (wanted === undefined) return undefined;
  let certificate: Certificate;
  try {
    certificate = parseCertificate(Buffer.from(context.key.data));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
  if (certificate.type !== wanted) return undefined;
  const { type, blob } = certificate.key;
  const { signature, blob: signed } = context;
  // rsa-sha2-512-cert-v01@openssh.com signs as rsa-sha2-512.
  const format = type === "ssh-rsa" ? algorithm.replace("-cert-v01@openssh.com", "") : type;
  const verify = certificate.criticalOptions.has("verify-required");
  return {
    type,
    blob,
    line: lineOf(type, blob),
    certificate,
    isSigned: () =>
      signature !== undefined &&
      signed !== undefined &&
      isGoodSshSignature({ type, blob, signature, signed, format }, touch(verify)),
  };
}

function lineOf(type: KeyType, blob: Buffer): string {
  return `${type} ${blob.toString("base64")}`;
}

/** What sshd(8) requires of FIDO keys by default. */
function touch(verificationRequired: boolean) {
  return { touchRequired: true, verificationRequired };
}
