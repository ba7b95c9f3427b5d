// ASN.1 in DER (ITU-T X.690), as far as certificates and signing requests need it: what ACME asks for is small
// and fixed, so this writes it, and reads the one extension that renewals are named by.

import type { KeyObject } from "node:crypto";
import { sign as signBytes } from "node:crypto";

const OBJECT_IDS = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  extensionRequest: "1.2.840.113549.1.9.14",
  subjectAltName: "2.5.29.17",
  authorityKeyIdentifier: "2.5.29.35",
  /** RFC 8737 §3. */
  acmeIdentifier: "1.3.6.1.5.5.7.1.31",
} as const;
type ObjectName = keyof typeof OBJECT_IDS;

/** One value: its tag, its length, and its content. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(body.length)]), body]);
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => der(0x30, ...items);
export const set = (...items: readonly Uint8Array[]): Buffer => der(0x31, ...items);
export const octets = (value: Uint8Array): Buffer => der(0x04, value);
/** Constructed, context-specific. */
export const tagged = (number: number, ...items: readonly Uint8Array[]): Buffer =>
  der(0xa0 + number, ...items);
/** Whole octets only. */
const bits = (value: Uint8Array): Buffer => der(0x03, Buffer.from([0]), value);

/** A positive number, most significant octet first. */
export function integer(value: Uint8Array): Buffer {
  const first = value[0] ?? 0;
  return der(0x02, ...(first >= 0x80 || value.length === 0 ? [Buffer.from([0])] : []), value);
}

/** UTCTime. RFC 5280 §4.1.2.5 asks for it up to 2049. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  return der(0x17, Buffer.from(digits.slice(2)));
}

export function objectId(name: ObjectName): Buffer {
  const [first = 0, second = 0, ...rest] = OBJECT_IDS[name].split(".").map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

export function extension(name: ObjectName, value: Uint8Array, critical = false): Buffer {
  return sequence(objectId(name), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), octets(value));
}

/** The DNS names of a certificate (RFC 5280 §4.2.1.6). */
export function subjectAltName(names: readonly string[]): Buffer {
  return extension("subjectAltName", sequence(...names.map((name) => der(0x82, Buffer.from(name, "ascii")))));
}

/** What is signed, the algorithm, and the signature of an ECDSA key. */
export function signed(content: Buffer, key: KeyObject): Buffer {
  return sequence(content, signatureAlgorithm(), bits(signBytes("sha256", content, key)));
}

export function signatureAlgorithm(): Buffer {
  return sequence(objectId("ecdsaWithSha256"));
}

export function pem(label: string, content: Uint8Array): string {
  const lines =
    Buffer.from(content)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/**
 * The authority's key identifier in a certificate (RFC 5280 §4.2.1.1); undefined: it has none.
 * @param certificate DER
 */
export function authorityKeyId(certificate: Buffer): Buffer | undefined {
  const name = objectId("authorityKeyIdentifier");
  const at = certificate.indexOf(name);
  if (at < 0) return undefined;
  const value = read(certificate.subarray(at + name.length), 0x04);
  const identifier = value === undefined ? undefined : read(value, 0x30);
  return identifier === undefined ? undefined : read(identifier, 0x80);
}

/** The content of a value of this tag at the beginning of `bytes`. */
function read(bytes: Buffer, tag: number): Buffer | undefined {
  const short = bytes[1];
  if (bytes[0] !== tag || short === undefined) return undefined;
  const octetsOfLength = short < 0x80 ? 0 : short - 0x80;
  if (octetsOfLength > 2 || bytes.length < 2 + octetsOfLength) return undefined;
  const length = octetsOfLength === 0 ? short : bytes.readUIntBE(2, octetsOfLength);
  const start = 2 + octetsOfLength;
  return bytes.length < start + length ? undefined : bytes.subarray(start, start + length);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function base128(value: number): number[] {
  const groups = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) groups.unshift((rest & 0x7f) | 0x80);
  return groups;
}
