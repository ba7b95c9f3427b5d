// OpenSSH public keys as text: one line of an authorized_keys or .pub file (sshd(8), AUTHORIZED_KEYS FILE FORMAT). What this
// parser accepts may be stored, compared and written into files. Cryptography is elsewhere (protocol/ssh/).

import { createHash } from "node:crypto";
import { ProtocolError } from "../errors.ts";
import { MAX_KEY_LINE } from "../limits.ts";
import { printable } from "./printable.ts";

/** The key types that Sallyport accepts. DSA is not among them: OpenSSH 10 dropped it. */
const KEY_TYPES = [
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/**
 * A public key as programs exchange it, for schemas: type, base64 and a comment, without options. The type may be any, so that
 * a newer gateway's keys do not end an older host's link; `parsePublicKey` decides about each.
 */
export const KEY_LINE_PATTERN =
  "^[a-z0-9][a-z0-9@.-]{0,99} [A-Za-z0-9+/]{1,8000}={0,2}(?: [^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]*)?$";
/** As `ssh-keygen -l` prints it. */
export const FINGERPRINT_PATTERN = "^SHA256:[A-Za-z0-9+/]{43}$";

export interface SshPublicKey {
  readonly type: KeyType;
  /** The wire form (RFC 4253 §6.6), base64. Two keys are the same key when this is the same. */
  readonly blob: string;
  readonly comment: string;
  /** The options before the key, as written; empty if there are none. */
  readonly options: string;
  /** `SHA256:` and unpadded base64, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

/**
 * Parses one line of a .pub or authorized_keys file.
 * @throws ProtocolError `bad_key` with field `publicKey`: not a key, an unknown type, a private key, too long
 */
export function parsePublicKey(line: unknown): SshPublicKey {
  if (typeof line !== "string") throw bad("A public key must be a line of text.");
  if (line.length > MAX_KEY_LINE)
    throw bad(`A public key line must be at most ${MAX_KEY_LINE} characters long.`);
  const text = line.trim();
  if (/PRIVATE KEY/.test(text)) {
    throw bad(
      "This is a PRIVATE key. Send the public key (the file that ends in .pub), and consider this one leaked.",
    );
  }
  if (/[\0\r\n]/.test(text)) throw bad("A public key must be a single line.");
  const { options, rest } = splitOptions(text);
  const [type = "", base64 = "", ...comment] = rest.split(/[ \t]+/);
  if (!isKeyType(type)) throw bad(`Unknown key type ${JSON.stringify(printable(type, 60))}.`);
  const blob = decodeBlob(type, base64);
  return {
    type,
    blob: blob.toString("base64"),
    comment: comment.join(" ").slice(0, 200),
    options,
    fingerprint: fingerprint(blob),
  };
}

/** Parses a whole authorized_keys file. Lines that are not keys are reported by number (from 1) instead of thrown. */
export function parseAuthorizedKeys(text: string): {
  keys: SshPublicKey[];
  problems: { line: number; message: string }[];
} {
  const keys: SshPublicKey[] = [];
  const problems: { line: number; message: string }[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    try {
      keys.push(parsePublicKey(line));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      problems.push({ line: index + 1, message: error.message });
    }
  }
  return { keys, problems };
}

/** `type base64 comment`, without options: a line that any OpenSSH file accepts. */
export function formatPublicKey(key: Pick<SshPublicKey, "type" | "blob" | "comment">): string {
  const comment = printable(key.comment).trim();
  return comment === "" ? `${key.type} ${key.blob}` : `${key.type} ${key.blob} ${comment}`;
}

/** SHA-256 fingerprint of a key's wire form, as OpenSSH prints it. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Whether a text has the form that `fingerprint` returns. */
export function isFingerprint(value: string): boolean {
  return new RegExp(FINGERPRINT_PATTERN).test(value) && !value.endsWith("\n");
}

export function isKeyType(value: string): value is KeyType {
  return KEY_TYPES.some((type) => type === value);
}

function decodeBlob(type: KeyType, base64: string): Buffer {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw bad("The key's base64 part is damaged.");
  const blob = Buffer.from(base64, "base64");
  if (blob.toString("base64").replace(/=+$/, "") !== base64.replace(/=+$/, "")) {
    throw bad("The key's base64 part is damaged.");
  }
  const fields = readStrings(blob);
  if (fields?.[0]?.toString("latin1") !== type) throw bad("The key's content does not match its type.");
  if (!hasRightShape(type, fields)) throw bad("The key is cut off or malformed.");
  return blob;
}

/** Field counts and sizes by type: RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4, OpenSSH PROTOCOL.u2f. */
function hasRightShape(type: KeyType, fields: readonly Buffer[]): boolean {
  const length = (index: number): number => fields[index]?.length ?? -1;
  switch (type) {
    case "ssh-ed25519":
      return fields.length === 2 && length(1) === 32;
    case "sk-ssh-ed25519@openssh.com":
      return fields.length === 3 && length(1) === 32 && length(2) > 0;
    case "ssh-rsa":
      return fields.length === 3 && length(1) > 0 && length(1) <= 9 && length(2) >= 128 && length(2) <= 2049;
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return fields.length === 4 && length(2) === 65 && length(3) > 0;
    case "ecdsa-sha2-nistp256":
      return fields.length === 3 && length(2) === 65;
    case "ecdsa-sha2-nistp384":
      return fields.length === 3 && length(2) === 97;
    case "ecdsa-sha2-nistp521":
      return fields.length === 3 && length(2) === 133;
  }
}

/** The whole of a buffer as SSH strings (RFC 4251 §5); undefined if it does not divide evenly. */
function readStrings(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let offset = 0; offset < blob.length; ) {
    if (offset + 4 > blob.length || fields.length === 8) return undefined;
    const length = blob.readUInt32BE(offset);
    offset += 4;
    if (length > blob.length - offset) return undefined;
    fields.push(blob.subarray(offset, offset + length));
    offset += length;
  }
  return fields;
}

/** Options end at the first blank outside double quotes (sshd(8)). */
function splitOptions(text: string): { options: string; rest: string } {
  const first = text.split(/[ \t]/, 1)[0] ?? "";
  if (isKeyType(first)) return { options: "", rest: text };
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "\\" && text[i + 1] === '"') i++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === " " || character === "\t")) {
      return { options: text.slice(0, i), rest: text.slice(i).trim() };
    }
  }
  return { options: "", rest: text };
}

function bad(message: string): ProtocolError {
  return new ProtocolError("bad_key", message, { field: "publicKey" });
}
