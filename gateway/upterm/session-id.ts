// The ids of upterm sessions, which are also the user names under which people join: 20 letters and digits. A
// host that can redial proves its host key, and its id is derived from that key and a secret of its own, so
// that it keeps its id. Any other host gets a random id.

import { createHash, randomInt } from "node:crypto";
import { isGoodSshSignature } from "../../protocol/ssh/signature-format.ts";
import { encode } from "../../protocol/ssh/wire.ts";
import { isName } from "../../protocol/values/name.ts";
import type { SshPublicKey } from "../../protocol/values/ssh-public-key.ts";
import type { SessionIdentity } from "./messages.ts";

export type SessionId = string;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LENGTH = 20;
const SECRET_BYTES = 16;
/** upterm's domain separators: the id's hash and the proof cannot be mistaken for each other. */
const ID_DOMAIN = "upterm-session-id-v1";
const PROOF_DOMAIN = "upterm-session-v1";

/** 119 random bits. Never a possible workspace name, which this gateway takes as a user name too. */
export function newSessionId(): SessionId {
  for (;;) {
    const id = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
    if (!isName(id)) return id;
  }
}

/**
 * The id in a user name as clients send it: the id alone, or `ID:base64(node address)`. The node address is
 * ignored: the gateway never dials an address that a client names. undefined: not an upterm user name.
 */
export function sessionIdIn(userName: string): SessionId | undefined {
  return /^([A-Za-z0-9]{20})(?::[A-Za-z0-9_+/=-]{0,400})?$/.exec(userName)?.[1];
}

/** What stands for an id in logs. Nobody can join with it. */
export function sessionLabel(id: SessionId): string {
  return `upterm-${createHash("sha256").update(id).digest("hex").slice(0, 12)}`;
}

/** The id that follows from a host key and the host's secret. */
export function derivedSessionId(key: SshPublicKey, secret: Buffer): SessionId {
  const digest = createHash("sha256")
    .update(encode(ID_DOMAIN, Buffer.from(key.blob, "base64"), secret))
    .digest("hex");
  const base = BigInt(ALPHABET.length);
  let number = BigInt(`0x${digest}`);
  let id = "";
  for (let i = 0; i < LENGTH; i++) {
    id += ALPHABET[Number(number % base)];
    number /= base;
  }
  return id;
}

/**
 * Whether the host key signed this connection (`sshSessionId`, RFC 4253 §7.2), the secret and the generation.
 * Neither the id alone nor a proof from a different connection is enough.
 */
export function isProven(key: SshPublicKey, sshSessionId: Buffer, identity: SessionIdentity): boolean {
  const { secret, generation, proof } = identity;
  if (secret.length !== SECRET_BYTES || generation < 1n || sshSessionId.length === 0) return false;
  return isGoodSshSignature(
    {
      type: key.type,
      blob: Buffer.from(key.blob, "base64"),
      signature: proof,
      signed: encode(PROOF_DOMAIN, sshSessionId, secret, generation),
    },
    { touchRequired: true, verificationRequired: false },
  );
}
