// The keys that ssh would offer, in the order in which it offers them. Pure.

import { quoteForShell } from "../../../protocol/values/shell-word.ts";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import type { KeyFile } from "./key-file.ts";

export interface KeyCandidate {
  readonly key: SshPublicKey;
  /** The IdentityFile of the key; undefined: only the agent has it. */
  readonly file: string | undefined;
  readonly inAgent: boolean;
  /** ssh has to ask for a passphrase before it can use the key. */
  readonly encrypted: boolean;
  /** The CertificateFile of the configuration for this key. */
  readonly certificateFile: string | undefined;
  /** Why ssh cannot use the key, and what to do about it; undefined: it can. */
  readonly problem: string | undefined;
  /** One line for people: type, comment, fingerprint, origin. */
  readonly label: string;
}

export interface OfferedKeys {
  /** The keys of the configuration, in its order. */
  readonly files: readonly KeyFile[];
  /** The agent's keys, in its order. */
  readonly agent: readonly SshPublicKey[];
  readonly certificates: readonly { readonly path: string; readonly blob: string }[];
  readonly identitiesOnly: boolean;
  /** Shown as `~` in labels. */
  readonly home: string;
}

/**
 * OpenSSH's order (sshconnect2.c, pubkey_prepare, and the comment above it): keys of the configuration that the agent also
 * holds, in the agent's order; then, unless IdentitiesOnly is set, the agent's other keys; then keys that are only in files.
 * ssh tries certificates first, but what counts for an account is the key in it, so certificates do not change this order.
 */
export function orderCandidates(offered: OfferedKeys): KeyCandidate[] {
  const { agent, identitiesOnly } = offered;
  const files = unique(offered.files, (file) => file.key.blob);
  const agentKeys = unique(agent, (key) => key.blob);
  const fileOf = (blob: string) => files.find((file) => file.key.blob === blob);
  const inAgent = new Set(agentKeys.map((key) => key.blob));
  const both = agentKeys.filter((key) => fileOf(key.blob) !== undefined);
  const agentOnly = identitiesOnly ? [] : agentKeys.filter((key) => fileOf(key.blob) === undefined);
  return [
    ...both.map((key) => candidate(key, fileOf(key.blob), true, offered)),
    ...agentOnly.map((key) => candidate(key, undefined, true, offered)),
    ...files
      .filter((file) => !inAgent.has(file.key.blob))
      .map((file) => candidate(file.key, file, false, offered)),
  ];
}

function candidate(
  found: SshPublicKey,
  file: KeyFile | undefined,
  inAgent: boolean,
  { certificates, home }: OfferedKeys,
): KeyCandidate {
  const comment = file?.key.comment || found.comment;
  const key = { ...found, comment };
  const encrypted = !inAgent && file?.privateHalf === "encrypted";
  const problem = inAgent || file === undefined ? undefined : problemOf(file);
  return {
    key,
    file: file?.path,
    inAgent,
    encrypted,
    certificateFile: certificates.find(({ blob }) => blob === key.blob)?.path,
    problem,
    label: label({ key, file: file?.path, inAgent, encrypted, problem }, home),
  };
}

function problemOf(file: KeyFile): string | undefined {
  if (file.privateHalf === "absent") {
    return "its private key is missing: load it into your SSH agent, or put the private file beside the public one";
  }
  return file.looseMode
    ? `other users can read it, so ssh refuses it: run \`chmod 600 ${quoteForShell(file.path)}\``
    : undefined;
}

function label(
  { key, file, inAgent, encrypted, problem }: Omit<KeyCandidate, "label" | "certificateFile">,
  home: string,
): string {
  const where = [file === undefined ? undefined : shortened(file, home), inAgent ? "SSH agent" : undefined];
  return [
    keyTypeName(key.type),
    key.comment === "" ? undefined : key.comment,
    key.fingerprint,
    where.filter((part) => part !== undefined).join(" and "),
    encrypted ? "asks for its passphrase" : undefined,
    problem === undefined ? undefined : "cannot be used as it is",
  ]
    .filter((part) => part !== undefined)
    .join(" · ");
}

/** The name of a key type for people, such as `ED25519` or `RSA`. */
function keyTypeName(type: SshPublicKey["type"]): string {
  switch (type) {
    case "ssh-ed25519":
      return "ED25519";
    case "ssh-rsa":
      return "RSA";
    case "sk-ssh-ed25519@openssh.com":
      return "ED25519 security key";
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return "ECDSA security key";
    default:
      return "ECDSA";
  }
}

/** The path with the home directory as `~`, on Windows too. */
export function shortened(path: string, home: string): string {
  const rest = home !== "" && path.startsWith(home) ? path.slice(home.length) : undefined;
  return rest !== undefined && /^[\\/]/.test(rest) ? `~${rest}` : path;
}

function unique<T>(values: readonly T[], identity: (value: T) => string): T[] {
  const seen = new Map<string, T>();
  for (const value of values) if (!seen.has(identity(value))) seen.set(identity(value), value);
  return [...seen.values()];
}
