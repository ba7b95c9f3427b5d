// OpenSSH certificates (PROTOCOL.certkeys): a public key, what it may do and until when, signed by an authority. Read and
// checked here for people's certificates at the gateway and the gateway's own at the host; built here for the latter.

import { type KeyObject, randomBytes, sign } from "node:crypto";
import { ProtocolError } from "../errors.ts";
import { type KeyType, parsePublicKey } from "../values/ssh-public-key.ts";
import { isGoodSshSignature } from "./signature-format.ts";
import { encode, WireError, WireReader } from "./wire.ts";

/** The key type of each certificate type, and how many fields its key has behind the nonce. */
const TYPES = {
  "ssh-ed25519-cert-v01@openssh.com": { keyType: "ssh-ed25519", fields: 1 },
  "ssh-rsa-cert-v01@openssh.com": { keyType: "ssh-rsa", fields: 2 },
  "ecdsa-sha2-nistp256-cert-v01@openssh.com": { keyType: "ecdsa-sha2-nistp256", fields: 2 },
  "ecdsa-sha2-nistp384-cert-v01@openssh.com": { keyType: "ecdsa-sha2-nistp384", fields: 2 },
  "ecdsa-sha2-nistp521-cert-v01@openssh.com": { keyType: "ecdsa-sha2-nistp521", fields: 2 },
  "sk-ssh-ed25519-cert-v01@openssh.com": { keyType: "sk-ssh-ed25519@openssh.com", fields: 2 },
  "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com": {
    keyType: "sk-ecdsa-sha2-nistp256@openssh.com",
    fields: 3,
  },
} as const satisfies Record<string, { keyType: KeyType; fields: number }>;
export type CertificateType = keyof typeof TYPES;

export const ED25519_CERTIFICATE = "ssh-ed25519-cert-v01@openssh.com";

const USER = 1;
const HOST = 2;
/** OpenSSH's own limit. */
const MAX_PRINCIPALS = 256;
const MAX_OPTIONS = 64;

/** What identifies a key: its type and its wire form. */
interface CertifiedKey {
  readonly type: KeyType;
  readonly blob: Buffer;
}

export interface Certificate {
  readonly type: CertificateType;
  /** The certified key, in the form that it has without a certificate. */
  readonly key: CertifiedKey;
  readonly serial: bigint;
  readonly role: "user" | "host";
  readonly keyId: string;
  /** Empty: valid for anyone, which no check here accepts. */
  readonly principals: readonly string[];
  /** Seconds since 1970. Valid from `validAfter` until just before `validBefore`. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** By name. The data is not decoded; it usually contains one more SSH string. */
  readonly criticalOptions: ReadonlyMap<string, Buffer>;
  readonly extensions: ReadonlyMap<string, Buffer>;
  readonly authority: CertifiedKey;
}

/** The certificate type of a sign-in's algorithm; undefined: it is not one, or it signs with SHA-1. */
export function certificateType(algorithm: string): CertificateType | undefined {
  if (algorithm === "ssh-rsa-cert-v01@openssh.com") return undefined;
  const type = /^rsa-sha2-(256|512)-cert-v01@openssh\.com$/.test(algorithm)
    ? "ssh-rsa-cert-v01@openssh.com"
    : algorithm;
  return isCertificateType(type) ? type : undefined;
}

function isCertificateType(type: string): type is CertificateType {
  return Object.hasOwn(TYPES, type);
}

/**
 * Reads a certificate's wire form and verifies the authority's signature. The caller has to check whether to trust the
 * authority, and whether the certificate is valid here and now.
 * @throws ProtocolError `bad_key`: malformed, of an unknown type, or not signed by the authority that it names
 */
export function parseCertificate(blob: Buffer): Certificate {
  try {
    return read(blob);
  } catch (error) {
    if (error instanceof WireError) throw bad("The certificate is malformed.", error);
    throw error;
  }
}

function read(blob: Buffer): Certificate {
  const reader = new WireReader(blob);
  const type = reader.text(64);
  if (!isCertificateType(type)) throw bad("Unknown type of certificate.");
  reader.string(); // The nonce.
  const { keyType, fields } = TYPES[type];
  const key = encode(keyType, ...Array.from({ length: fields }, () => reader.string()));
  const serial = reader.uint64();
  const role = reader.uint32();
  const keyId = reader.text();
  const principals = readPrincipals(reader.string());
  const validAfter = reader.uint64();
  const validBefore = reader.uint64();
  const criticalOptions = readOptions(reader.string());
  const extensions = readOptions(reader.string());
  reader.string(); // Reserved.
  const authority = readKey(reader.string());
  const signed = blob.subarray(0, reader.offset);
  const signature = reader.string();
  if (!reader.done) throw new WireError("Bytes behind the signature.");
  if (role !== USER && role !== HOST) throw bad("A certificate must be for a user or a host.");
  // An authority that is a FIDO key need not have been touched for it: OpenSSH asks the same.
  const touch = { touchRequired: false, verificationRequired: false };
  if (!isGoodSshSignature({ ...authority, signature, signed }, touch)) {
    throw bad("The certificate's signature was not made by its authority.");
  }
  return {
    type,
    key: checkedKey(keyType, key),
    serial,
    role: role === USER ? "user" : "host",
    keyId,
    principals,
    validAfter,
    validBefore,
    criticalOptions,
    extensions,
    authority,
  };
}

function readPrincipals(bytes: Buffer): string[] {
  const reader = new WireReader(bytes);
  const principals: string[] = [];
  while (!reader.done) {
    if (principals.length === MAX_PRINCIPALS) throw new WireError("Too many principals.");
    principals.push(reader.text(1024));
  }
  return principals;
}

function readOptions(bytes: Buffer): Map<string, Buffer> {
  const reader = new WireReader(bytes);
  const options = new Map<string, Buffer>();
  while (!reader.done) {
    const name = reader.text(256);
    if (options.has(name) || options.size === MAX_OPTIONS) throw new WireError("Options twice or too many.");
    options.set(name, reader.string());
  }
  return options;
}

/** The authority: a plain key, never a certificate again. */
function readKey(blob: Buffer): CertifiedKey {
  return checkedKey(new WireReader(blob).text(64), blob);
}

function checkedKey(type: string, blob: Buffer): CertifiedKey {
  const key = parsePublicKey(`${type} ${blob.toString("base64")}`);
  return { type: key.type, blob: Buffer.from(blob) };
}

/** Milliseconds since 1970; null: never (PROTOCOL.certkeys: the largest number stands for that). */
export function expiryOf({ validBefore }: Certificate): number | null {
  const expiry = validBefore * 1000n;
  return expiry <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(expiry) : null;
}

/** What a certificate that is good asks of the one who lets it in. */
export interface CertificateConditions {
  /** Runs instead of what the client asks for. */
  readonly forceCommand: string | undefined;
  /** A list of addresses and CIDR ranges, one of which the client comes from. */
  readonly sourceAddress: string | undefined;
  /** FIDO keys: the signature shows that a PIN or the like was given. */
  readonly verifyRequired: boolean;
}

/**
 * Checks a user certificate for one principal at one time, and returns the conditions that it comes with.
 * @throws ProtocolError `bad_key` with what is wrong: role, time, principal, or a critical option that is not known
 */
export function checkUserCertificate(
  certificate: Certificate,
  principal: string,
  now: Date,
): CertificateConditions {
  if (certificate.role !== "user") throw bad("This is a host's certificate.");
  const seconds = secondsOf(now);
  if (seconds < certificate.validAfter) throw bad("The certificate is not valid yet.");
  if (seconds >= certificate.validBefore) throw bad("The certificate has expired.");
  if (!certificate.principals.includes(principal)) throw bad("The certificate is for other principals.");
  let forceCommand: string | undefined;
  let sourceAddress: string | undefined;
  let verifyRequired = false;
  for (const [name, data] of certificate.criticalOptions) {
    if (name === "force-command") forceCommand = onlyText(data);
    else if (name === "source-address") sourceAddress = onlyText(data);
    else if (name === "verify-required" && data.length === 0) verifyRequired = true;
    else throw bad(`The certificate has a critical option that is not supported: ${name.slice(0, 60)}.`);
  }
  return { forceCommand, sourceAddress, verifyRequired };
}

/** Whether a certificate's times include this one. */
export function isValidAt({ validAfter, validBefore }: Certificate, now: Date): boolean {
  const seconds = secondsOf(now);
  return validAfter <= seconds && seconds < validBefore;
}

function secondsOf(time: Date): bigint {
  return BigInt(Math.floor(time.getTime() / 1000));
}

/** The string inside an option's data. */
function onlyText(data: Buffer): string {
  try {
    const reader = new WireReader(data);
    const text = reader.text(16_384);
    if (reader.done) return text;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
  throw bad("An option of the certificate is malformed.");
}

export interface NewCertificate {
  /** An ed25519 public key. */
  readonly key: KeyObject;
  /** An ed25519 private key. */
  readonly authority: KeyObject;
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly validAfter: Date;
  readonly validBefore: Date;
  /** Each with the string inside its data; an empty one for a flag. */
  readonly extensions: ReadonlyMap<string, string | Uint8Array>;
}

/** Signs a user certificate. Returns its wire form. */
export function signUserCertificate(certificate: NewCertificate): Buffer {
  const { key, authority, keyId, principals, validAfter, validBefore, extensions } = certificate;
  // In the order of their names, as PROTOCOL.certkeys asks.
  const options = [...extensions].sort(([a], [b]) => (a < b ? -1 : 1));
  const body = Buffer.concat([
    encode(ED25519_CERTIFICATE, randomBytes(32), rawEd25519(key)),
    encode(0n, USER, keyId, encode(...principals)),
    encode(seconds(validAfter), seconds(validBefore)),
    encode(
      "", // Critical options.
      encode(...options.flatMap(([name, value]) => [name, value.length === 0 ? "" : encode(value)])),
      "", // Reserved.
      encode("ssh-ed25519", rawEd25519(authority)),
    ),
  ]);
  return Buffer.concat([body, encode(encode("ssh-ed25519", sign(null, body, authority)))]);
}

function seconds(date: Date): bigint {
  return BigInt(Math.max(0, Math.floor(date.getTime() / 1000)));
}

/** The public half of an ed25519 key, 32 bytes. */
function rawEd25519(key: KeyObject): Buffer {
  const { x, crv } = key.export({ format: "jwk" });
  if (crv !== "Ed25519" || x === undefined) throw new TypeError("Not an ed25519 key.");
  return Buffer.from(x, "base64url");
}

function bad(message: string, cause?: unknown): ProtocolError {
  return new ProtocolError("bad_key", message, { cause });
}
