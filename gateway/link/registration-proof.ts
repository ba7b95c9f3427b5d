// The proof in a host's registration: each host key that it names has signed the gateway's challenge, so no
// host can claim a key that it does not hold.

import {
  CONTROL_VERSION,
  hostKeyPayload,
  type RegisterMessage,
  registrationPayload,
} from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { isGoodSignature } from "../../protocol/ssh/key-signature.ts";
import { WireReader } from "../../protocol/ssh/wire.ts";
import {
  formatPublicKey,
  type KeyType,
  parsePublicKey,
  type SshPublicKey,
} from "../../protocol/values/ssh-public-key.ts";

/** Not among them: security keys, which somebody would have to touch at each connection. */
const HOST_KEY_TYPES: ReadonlySet<KeyType> = new Set([
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
]);
/** NIST SP 800-131A allows no shorter RSA keys. */
const MIN_RSA_BITS = 2048;
const NO_TOUCH = { touchRequired: false, verificationRequired: false };

/**
 * Returns the host keys in authorized_keys form without comments, once each has proved to have signed the
 * nonce.
 * @param gatewayKey the gateway's first host key, as the challenge named it
 * @throws ProtocolError unsupported_version, bad_key, identity_mismatch
 */
export function checkProofs(message: RegisterMessage, nonce: string, gatewayKey: string): string[] {
  if (message.version !== CONTROL_VERSION) {
    throw new ProtocolError(
      "unsupported_version",
      `This gateway speaks version ${CONTROL_VERSION} of the host protocol, not ${message.version}: update the older side.`,
      { field: "version" },
    );
  }
  const keys = message.hostKeys.map(parsePublicKey);
  const [first, ...further] = keys;
  if (first?.type !== "ssh-ed25519") {
    throw new ProtocolError("bad_key", "A host's first key must be of type ssh-ed25519.", {
      field: "hostKeys",
    });
  }
  if (!hasSigned(first, registrationPayload(nonce, gatewayKey), message.signature)) {
    throw new ProtocolError(
      "identity_mismatch",
      "The registration is not signed by the host key that it names.",
      { field: "signature" },
    );
  }
  const lines = keys.map((key) => formatPublicKey({ ...key, comment: "" }));
  const payload = hostKeyPayload(nonce, gatewayKey, lines[0] ?? "");
  for (const [index, key] of further.entries()) {
    if (!isHostKey(key) || keys.indexOf(key) !== keys.findIndex(({ blob }) => blob === key.blob)) {
      throw new ProtocolError("bad_key", `A host has no key such as ${key.fingerprint} (${key.type}).`, {
        field: "hostKeys",
      });
    }
    if (!hasSigned(key, payload, message.proofs?.[index] ?? "")) {
      throw new ProtocolError(
        "identity_mismatch",
        `The registration is not signed by the host key ${key.fingerprint} that it names.`,
        { field: "proofs" },
      );
    }
  }
  return lines;
}

function isHostKey({ type, blob }: SshPublicKey): boolean {
  if (!HOST_KEY_TYPES.has(type)) return false;
  if (type !== "ssh-rsa") return true;
  const fields = new WireReader(Buffer.from(blob, "base64"));
  const [, , modulus] = [fields.string(), fields.string(), fields.string()];
  // Compared as a number: its bytes may begin with zeros.
  return BigInt(`0x${modulus.toString("hex")}`) >> BigInt(MIN_RSA_BITS - 1) > 0n;
}

function hasSigned({ type, blob }: SshPublicKey, signed: Buffer, signature: string): boolean {
  const proof = {
    type,
    blob: Buffer.from(blob, "base64"),
    hash: "sha512",
    signature: Buffer.from(signature, "base64"),
    signed,
  } as const;
  return isGoodSignature(proof, NO_TOUCH);
}
