// The certificate with which a gateway signs in at a host on behalf of a person whom it has authenticated. It is valid for two
// minutes, is signed by the gateway's own host key, and names either the person's key, in the form of upterm's protocol, or the
// owner token by its id. The gateway writes it, the host reads it.

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { ProtocolError } from "../errors.ts";
import { LENGTH_DELIMITED, textField } from "../protobuf.ts";
import { parseTokenId, type TokenId } from "../values/id.ts";
import { formatPublicKey, parsePublicKey, type SshPublicKey } from "../values/ssh-public-key.ts";
import { type Certificate, signUserCertificate } from "./certificate.ts";
import { parseOpensshEd25519 } from "./private-key.ts";
import { encode, WireError, WireReader } from "./wire.ts";

/** Holds upterm's AuthRequest. */
const KEY_EXTENSION = "upterm-auth-request";
/** Holds string token id, uint64 expiry in seconds since 1970. */
const TOKEN_EXTENSION = "sallyport-owner-token@sallyport";
/** It is valid for this long before and after now, so the two clocks may differ by as much. */
const VALIDITY_MS = 60_000;

/** What a person has signed in with at the gateway. */
export type ProvedBy =
  | { readonly kind: "key"; readonly publicKey: SshPublicKey }
  | { readonly kind: "owner-token"; readonly tokenId: TokenId; readonly expiresAt: Date };

export interface CertifiedPerson {
  readonly proof: ProvedBy;
  /** The person's address and the SSH version line that their client sent; for keys only. */
  readonly address: string;
  readonly clientVersion: string;
}

export interface GatewayCertificate {
  /** The wire form. */
  readonly certificate: Buffer;
  /** Generated for this certificate only, so that the gateway's host key signs nothing that a host can choose. */
  readonly privateKey: KeyObject;
}

/**
 * @param signingKey the gateway's Ed25519 host key in OpenSSH's text format
 * @param userName the user name of the sign-in at the host; the only principal
 */
export function issueGatewayCertificate(
  person: CertifiedPerson,
  signingKey: string,
  userName: string,
  keyId: string,
  now: Date,
): GatewayCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const certificate = signUserCertificate({
    key: publicKey,
    authority: parseOpensshEd25519(signingKey),
    keyId,
    principals: [userName],
    validAfter: new Date(now.getTime() - VALIDITY_MS),
    validBefore: new Date(now.getTime() + VALIDITY_MS),
    extensions: new Map<string, string | Uint8Array>([
      extensionOf(person),
      // For hosts that require these; Sallyport's and upterm's do not.
      ["permit-agent-forwarding", ""],
      ["permit-port-forwarding", ""],
      ["permit-pty", ""],
    ]),
  });
  return { certificate, privateKey };
}

function extensionOf({ proof, address, clientVersion }: CertifiedPerson): [string, Buffer] {
  if (proof.kind === "owner-token") {
    const expiry = BigInt(Math.floor(proof.expiresAt.getTime() / 1000));
    return [TOKEN_EXTENSION, encode(proof.tokenId, expiry)];
  }
  const line = `${formatPublicKey({ ...proof.publicKey, comment: "" })}\n`;
  return [
    KEY_EXTENSION,
    Buffer.concat([textField(1, clientVersion.slice(0, 255)), textField(2, address), textField(3, line)]),
  ];
}

/**
 * Reads which person a gateway's certificate names. Whether to trust the gateway is up to the caller.
 * @throws ProtocolError `bad_key`: it names nobody, or more than one, or is malformed
 */
export function readGatewayCertificate({ extensions }: Certificate): CertifiedPerson {
  const key = extensions.get(KEY_EXTENSION);
  const token = extensions.get(TOKEN_EXTENSION);
  try {
    if (key !== undefined && token === undefined) return readKey(inner(key));
    if (token !== undefined && key === undefined) return readToken(inner(token));
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new ProtocolError("bad_key", "The gateway's certificate is malformed.", { cause: error });
  }
  throw new ProtocolError("bad_key", "The gateway's certificate does not name one person.");
}

/** An extension's data is a string with a string inside (PROTOCOL.certkeys). */
function inner(data: Buffer): Buffer {
  const reader = new WireReader(data);
  const value = reader.string();
  if (!reader.done) throw new WireError("Bytes behind an extension's value.");
  return value;
}

function readToken(bytes: Buffer): CertifiedPerson {
  const reader = new WireReader(bytes);
  const tokenId = parseTokenId(reader.text(40));
  const seconds = reader.uint64();
  if (!reader.done || seconds > 253_402_300_799n) throw new WireError("A malformed expiry.");
  const expiresAt = new Date(Number(seconds) * 1000);
  return { proof: { kind: "owner-token", tokenId, expiresAt }, address: "", clientVersion: "" };
}

function readKey(bytes: Buffer): CertifiedPerson {
  const fields = readFields(bytes);
  const publicKey = parsePublicKey(fields.get(3));
  // Options only count in a host's own files. Elsewhere they could be mistaken for restrictions that are enforced.
  if (publicKey.options !== "") throw new WireError("A key with options.");
  return {
    proof: { kind: "key", publicKey },
    address: fields.get(2) ?? "",
    clientVersion: fields.get(1) ?? "",
  };
}

// AuthRequest in Protocol Buffers: client_version = 1, remote_addr = 2, authorized_key = 3, all length-delimited.

/** Texts by field number. The message has no other fields, so any other type is damage. */
function readFields(bytes: Buffer): Map<number, string> {
  const fields = new Map<number, string>();
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[offset++];
      if (byte === undefined) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new WireError("A malformed number.");
  };
  while (offset < bytes.length) {
    const tag = varint();
    if ((tag & 7) !== LENGTH_DELIMITED) throw new WireError("A field of an unknown type.");
    const end = varint() + offset;
    if (end > bytes.length || fields.has(tag >> 3)) throw new WireError("A malformed field.");
    fields.set(tag >> 3, bytes.toString("utf8", offset, end));
    offset = end;
  }
  return fields;
}
