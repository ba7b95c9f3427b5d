// Decides who is let in (RFC 4252): holders of public keys that the host allows, or anyone, if the host was started
// with --anyone. ssh2 parses the requests and this file answers them. A key query proves nothing, and changes nothing.

import type { AuthContext, PublicKeyAuthContext } from "ssh2";
import { ProtocolError } from "../../../../protocol/errors.ts";
import { isGoodSignature } from "../../../../protocol/ssh/key-signature.ts";
import { fingerprint, isKeyType, type KeyType } from "../../../../protocol/values/ssh-public-key.ts";
import {
  type GatewayPolicy,
  isCertificateAlgorithm,
  isSignedWithCertificate,
  vouchedFor,
} from "./gateway-certificate.ts";
import { ALL_PERMISSIONS, type KeyGrant, type OfferedKey } from "./key-grant.ts";

/** Failed tries before the connection is ended; the first `none`, which only asks for the methods, is free. */
const MAX_TRIES = 6;

interface AuthenticationPolicy extends GatewayPolicy {
  readonly anyone: boolean;
}

/**
 * The key that signed, or that the gateway vouches for, with what it may do; `key` is undefined where anyone is let in,
 * and with an owner token.
 */
export interface SignIn {
  readonly key: OfferedKey | undefined;
  readonly grant: KeyGrant;
}

export interface AuthenticationOutcome {
  /** `userName` is whatever the client calls itself: sessions run as the host's own user in any case. */
  signedIn(signIn: SignIn, userName: string): void;
  tooManyTries(): void;
  /** `reason`: why a certificate is not accepted. */
  certificateRefused(reason: string): void;
}

/** Returns the handler for ssh2's `authentication` event of one connection. */
export function createAuthentication(
  policy: AuthenticationPolicy,
  outcome: AuthenticationOutcome,
): (context: AuthContext) => void {
  let failures = 0;
  let requests = 0;

  /** True: the request has been answered. */
  const withCertificate = (context: PublicKeyAuthContext): boolean => {
    try {
      const gatewayTime = policy.gatewayTime();
      const times = gatewayTime === undefined ? [] : [gatewayTime];
      const signIn = vouchedFor(context, policy, [new Date(), ...times]);
      if (context.signature === undefined) {
        context.accept();
        return true;
      }
      if (isSignedWithCertificate(context)) {
        outcome.signedIn(signIn, context.username);
        context.accept();
        return true;
      }
      outcome.certificateRefused("its signature is wrong");
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      outcome.certificateRefused(error.message);
    }
    return false;
  };

  return (context) => {
    requests++;
    if (context.method === "publickey" && isCertificateAlgorithm(context.key.algo)) {
      if (withCertificate(context)) return;
    }
    if (policy.anyone && (context.method === "none" || context.method === "publickey")) {
      if (context.method === "publickey" && context.signature === undefined) return acceptQuery(context);
      outcome.signedIn({ key: undefined, grant: anyoneGrant(context) }, context.username);
      return context.accept();
    }
    if (context.method === "publickey") {
      const key = offeredKey(context);
      const grant = key === undefined ? undefined : policy.allowed(key);
      if (key !== undefined && grant !== undefined) {
        if (context.signature === undefined) return acceptQuery(context);
        if (isSigned(context, key.type, grant)) {
          outcome.signedIn({ key, grant }, context.username);
          return context.accept();
        }
      }
    }
    if (context.method !== "none" || requests > 1) failures++;
    if (failures >= MAX_TRIES) return outcome.tooManyTries();
    context.reject(["publickey"]);
  };
}

/** undefined: a type that is not accepted, or RSA with SHA-1. */
function offeredKey(context: PublicKeyAuthContext): { type: KeyType; blob: Buffer } | undefined {
  const type = context.key.algo;
  if (!isKeyType(type)) return undefined;
  if (type === "ssh-rsa" && rsaHash(context) === undefined) return undefined;
  // The algorithm in the request and the type inside the key are two fields, which have to agree.
  const inside = context.key.data.subarray(4, 4 + type.length).toString("latin1");
  return inside === type ? { type, blob: Buffer.from(context.key.data) } : undefined;
}

function isSigned(context: PublicKeyAuthContext, type: KeyType, grant: KeyGrant): boolean {
  const { signature, blob: signed } = context;
  if (signature === undefined || signed === undefined) return false;
  return isGoodSignature(
    { type, blob: context.key.data, hash: rsaHash(context), signature, signed },
    grant.permissions,
  );
}

function rsaHash(context: PublicKeyAuthContext): "sha256" | "sha512" | undefined {
  return context.hashAlgo === "sha256" || context.hashAlgo === "sha512" ? context.hashAlgo : undefined;
}

/** PK_OK names the algorithm of the request (RFC 4252 §7), which ssh2 has replaced by the key's type. */
function acceptQuery(context: PublicKeyAuthContext): void {
  if (context.key.algo === "ssh-rsa")
    context.key.algo = `rsa-sha2-${context.hashAlgo === "sha512" ? 512 : 256}`;
  context.accept();
}

function anyoneGrant(context: AuthContext): KeyGrant {
  const shown = context.method === "publickey" ? fingerprint(context.key.data) : "none";
  return { account: null, fingerprint: shown, permissions: ALL_PERMISSIONS };
}
