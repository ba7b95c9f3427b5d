// The signature of a release: Ed25519 over the bytes of its manifest, in Base64, with a line break at the end. OpenSSL checks
// it too (`openssl pkeyutl -verify -rawin`). The keys that count are part of each program. Pure.

import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { ProtocolError } from "../errors.ts";
import { parseManifest, type ReleaseManifest } from "./manifest.ts";

declare const __SALLYPORT_RELEASE_KEYS__: readonly string[] | undefined;

/**
 * Ed25519 public keys (32 bytes in Base64) whose releases this program upgrades to. The build puts them in; programs that run
 * from a clone have none.
 */
export const RELEASE_KEYS: readonly string[] =
  typeof __SALLYPORT_RELEASE_KEYS__ === "object" ? __SALLYPORT_RELEASE_KEYS__ : [];

/** Ed25519 public keys as SubjectPublicKeyInfo begin with this (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const SIGNATURE_TEXT = /^[A-Za-z0-9+/]{86}==\n?$/;

/** The text of the signature file. */
export function signManifest(bytes: Uint8Array, privateKey: KeyObject): string {
  return `${sign(null, bytes, privateKey).toString("base64")}\n`;
}

/** 32 bytes in Base64, as in `RELEASE_KEYS`. */
export function releaseKeyOf(key: KeyObject): string {
  const spki = (key.type === "private" ? createPublicKey(key) : key).export({ type: "spki", format: "der" });
  return spki.subarray(SPKI_PREFIX.length).toString("base64");
}

/**
 * The manifest, if one of the keys signed exactly these bytes.
 * @param signature the text of the signature file
 * @throws ProtocolError bad_proof; bad_message
 */
export function verifiedManifest(
  bytes: Uint8Array,
  signature: string,
  keys: readonly string[] = RELEASE_KEYS,
): ReleaseManifest {
  const isSigned =
    SIGNATURE_TEXT.test(signature) &&
    keys.some((key) => verify(null, bytes, publicKey(key), Buffer.from(signature, "base64")));
  if (!isSigned) {
    throw new ProtocolError("bad_proof", "The release is not signed by a key that this program knows.");
  }
  return parseManifest(bytes);
}

function publicKey(key: string): KeyObject {
  const der = Buffer.concat([SPKI_PREFIX, Buffer.from(key, "base64")]);
  return createPublicKey({ key: der, format: "der", type: "spki" });
}
