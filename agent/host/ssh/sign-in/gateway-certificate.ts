// Accepts the gateway's own sign-ins for people (re-origination): the gateway presents a certificate that names the
// person's key or owner token. It counts only if it is signed by a key that the gateway named at the current registration,
// only on a stream that the gateway announced for that, and only for a key that this host allows anyway, or for an owner
// token where those are accepted.

import type { PublicKeyAuthContext } from "ssh2";
import type { StreamVia } from "../../../../protocol/control.ts";
import { ProtocolError } from "../../../../protocol/errors.ts";
import {
  type Certificate,
  certificateType,
  checkUserCertificate,
  ED25519_CERTIFICATE,
  isValidAt,
  parseCertificate,
} from "../../../../protocol/ssh/certificate.ts";
import { readGatewayCertificate } from "../../../../protocol/ssh/gateway-certificate.ts";
import { isGoodSshSignature } from "../../../../protocol/ssh/signature-format.ts";
import { ALL_PERMISSIONS, type KeyGrant, type OfferedKey } from "./key-grant.ts";

export interface GatewayPolicy {
  /** The keys of the gateway that this host is registered at, authorized_keys form. */
  gatewayKeys(): readonly string[];
  /** The time by the gateway's clock; undefined: not known. */
  gatewayTime(): Date | undefined;
  /** Whether sign-ins with an owner token are accepted. */
  readonly ownerTokens: boolean;
  /** Certificates are accepted only on `session` streams. */
  readonly via: StreamVia;
  allowed(key: OfferedKey): KeyGrant | undefined;
}

interface VouchedFor {
  /** undefined: by owner token. */
  readonly key: OfferedKey | undefined;
  readonly grant: KeyGrant;
}

export function isCertificateAlgorithm(algorithm: string): boolean {
  return certificateType(algorithm) !== undefined;
}

/**
 * The sign-in that the certificate of a request stands for. The request's signature is not checked here.
 * @param times by which the certificate may be valid, this machine's first: one that is valid by the clock of the gateway,
 *   which made it, is valid here, however this machine's clock is set
 * @throws ProtocolError that says what is wrong with the certificate, for the host's log
 */
export function vouchedFor(
  context: Pick<PublicKeyAuthContext, "key" | "username">,
  policy: GatewayPolicy,
  times: readonly [Date, ...Date[]],
): VouchedFor {
  if (policy.via !== "session") throw refusal(`a certificate on a ${policy.via} stream`);
  const certificate = parseCertificate(Buffer.from(context.key.data));
  if (certificate.type !== ED25519_CERTIFICATE || context.key.algo !== certificate.type) {
    throw refusal("a certificate of an unexpected type");
  }
  if (!isGatewayKey(certificate, policy.gatewayKeys())) {
    throw refusal("a certificate that the gateway of this registration did not sign");
  }
  const now = times.find((time) => isValidAt(certificate, time)) ?? times[0];
  const conditions = checkUserCertificate(certificate, context.username, now);
  if (conditions.forceCommand !== undefined || conditions.sourceAddress !== undefined) {
    throw refusal("a certificate with conditions, which gateways do not make");
  }
  const { proof } = readGatewayCertificate(certificate);
  if (proof.kind === "owner-token") {
    if (!policy.ownerTokens) throw refusal("owner tokens are not accepted here (--no-owner-token)");
    if (times.every((time) => proof.expiresAt <= time))
      throw refusal(`the owner token ${proof.tokenId} has expired`);
    const fingerprint = `owner token ${proof.tokenId}`;
    return { key: undefined, grant: { account: null, fingerprint, permissions: ALL_PERMISSIONS } };
  }
  const { type, blob, fingerprint } = proof.publicKey;
  const key = { type, blob: Buffer.from(blob, "base64") };
  const grant = policy.allowed(key);
  if (grant === undefined) throw refusal(`the key ${fingerprint} is not allowed`);
  if (type.startsWith("sk-") && grant.permissions.verificationRequired) {
    // The gateway does not say whether a PIN was given.
    throw refusal(`the key ${fingerprint} is verify-required, which only an end-to-end connection shows`);
  }
  return { key, grant };
}

/** Whether the request is signed with the certificate's key. */
export function isSignedWithCertificate(context: PublicKeyAuthContext): boolean {
  const { signature, blob: signed } = context;
  if (signature === undefined || signed === undefined) return false;
  const { key } = parseCertificate(Buffer.from(context.key.data));
  return isGoodSshSignature({ ...key, signature, signed }, ALL_PERMISSIONS);
}

function isGatewayKey({ authority }: Certificate, gatewayKeys: readonly string[]): boolean {
  const blob = authority.blob.toString("base64");
  // Compared as text, so that a key of a type that this host does not know does not spoil the others.
  return gatewayKeys.some((line) => line.split(" ")[1] === blob);
}

function refusal(message: string): ProtocolError {
  return new ProtocolError("unauthenticated", message);
}
