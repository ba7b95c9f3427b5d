// What the gateway makes itself for a certificate: its key, the signing request (RFC 2986), and the
// certificate that answers a TLS-ALPN-01 challenge (RFC 8737).

import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import {
  extension,
  integer,
  objectId,
  octets,
  pem,
  sequence,
  set,
  signatureAlgorithm,
  signed,
  subjectAltName,
  tagged,
  time,
} from "./der.ts";

const DAY_MS = 86_400_000;

/** An ECDSA key on P-256: every client and every public authority takes it. */
export function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
}

export function keyPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** A signing request for these names, in DER. The subject is empty: names are in the extension only. */
export function signingRequest(names: readonly string[], key: KeyObject): Buffer {
  const extensions = sequence(subjectAltName(names));
  const attributes = tagged(0, sequence(objectId("extensionRequest"), set(extensions)));
  return signed(sequence(integer(Buffer.from([0])), sequence(), publicKeyOf(key), attributes), key);
}

/**
 * The certificate that proves control of `name` to the authority, with its key, as one PEM text. No client
 * ever trusts it.
 * @param keyAuthorization the challenge's token and the account's thumbprint
 */
export function challengeCertificate(name: string, keyAuthorization: string, now: Date): string {
  const key = newKey();
  const digest = createHash("sha256").update(keyAuthorization).digest();
  const content = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    signatureAlgorithm(),
    sequence(),
    sequence(time(new Date(now.getTime() - DAY_MS)), time(new Date(now.getTime() + 7 * DAY_MS))),
    sequence(),
    publicKeyOf(key),
    tagged(3, sequence(subjectAltName([name]), extension("acmeIdentifier", octets(digest), true))),
  );
  return `${keyPem(key)}${pem("CERTIFICATE", signed(content, key))}`;
}

function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: "spki", format: "der" });
}
