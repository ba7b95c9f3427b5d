// Reads one IdentityFile as ssh would use it: its public key, whether the private key is there, and what prevents its use.

import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { quoteForShell } from "../../../protocol/values/shell-word.ts";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { systemCode } from "../../platform/files/private-file.ts";
import type { Machine } from "../../platform/paths.ts";
import { inspectPrivateFile, type PublicPart, publicPartOfLine } from "./public-part.ts";

export interface KeyFile {
  /** The value of IdentityFile. */
  readonly path: string;
  readonly key: SshPublicKey;
  readonly privateHalf: "plain" | "encrypted" | "absent";
  /** Other users may read the private file, so ssh refuses it. */
  readonly looseMode: boolean;
}

export type KeyFileResult =
  | { readonly kind: "key"; readonly file: KeyFile }
  /** There is no such file, as for most default names. */
  | { readonly kind: "absent" }
  /** ssh may be able to use the file, but its public key is not known without the person's help. */
  | { readonly kind: "unknown"; readonly path: string; readonly why: string };

export interface KeyFileOptions {
  readonly platform: NodeJS.Platform;
  readonly env: Machine["env"];
  readonly sshKeygen?: string | undefined;
}

/** The private file of an RSA key with 16,384 bits is below 16 KiB. */
const MAX_FILE_BYTES = 64 * 1024;
const KEYGEN_TIMEOUT_MS = 5_000;

/**
 * The public key comes from the private file if that is in OpenSSH's format, since the private file is the one that signs; else
 * from the `.pub` file beside it; else, for a PEM file without a passphrase, from ssh-keygen. Never throws.
 */
export async function readKeyFile(path: string, options: KeyFileOptions): Promise<KeyFileResult> {
  const content = await readSmallFile(path);
  const beside = await readPublicFile(`${path}.pub`);
  if (content.kind === "failed") {
    const file = withPart(path, beside, "absent", false);
    if (file !== undefined) return { kind: "key", file };
    return content.code === "ENOENT" || content.code === "ENOTDIR"
      ? { kind: "absent" }
      : { kind: "unknown", path, why: `it cannot be read (${content.code})` };
  }
  const looseMode = options.platform !== "win32" && isLoose(content);
  const inspected = inspectPrivateFile(content.text);
  if (inspected.format === "none") {
    const file = withPart(path, publicPartOfLine(content.text), "absent", false);
    return file === undefined ? { kind: "unknown", path, why: "it is not a key" } : { kind: "key", file };
  }
  const privateHalf = inspected.encrypted ? "encrypted" : "plain";
  const part =
    inspected.format === "openssh"
      ? withComment(inspected.part, beside)
      : (beside ?? (inspected.encrypted ? undefined : await askKeygen(path, options)));
  const file = withPart(path, part, privateHalf, looseMode);
  if (file !== undefined) return { kind: "key", file };
  const why =
    inspected.format === "openssh"
      ? "its key type is not supported"
      : inspected.encrypted
        ? `its public key cannot be read, because it is an encrypted PEM file: run \`ssh-keygen -y -f ${quoteForShell(path)} > ${quoteForShell(`${path}.pub`)}\` once`
        : "ssh-keygen cannot read it";
  return { kind: "unknown", path, why };
}

/** A certificate file and the key that it certifies; undefined if it is not a user certificate. */
export async function readCertificateFile(
  path: string,
): Promise<{ readonly path: string; readonly blob: string } | undefined> {
  const content = await readSmallFile(path);
  const part = content.kind === "text" ? publicPartOfLine(content.text) : undefined;
  return part?.certificate === true ? { path, blob: part.key.blob } : undefined;
}

function withPart(
  path: string,
  part: PublicPart | undefined,
  privateHalf: KeyFile["privateHalf"],
  looseMode: boolean,
): KeyFile | undefined {
  return part === undefined ? undefined : { path, key: part.key, privateHalf, looseMode };
}

/** Adds the comment from the .pub file: in the private file it may be encrypted. */
function withComment(part: PublicPart | undefined, beside: PublicPart | undefined): PublicPart | undefined {
  if (part === undefined || beside?.key.blob !== part.key.blob) return part;
  return { ...part, key: { ...part.key, comment: beside.key.comment } };
}

async function readPublicFile(path: string): Promise<PublicPart | undefined> {
  const content = await readSmallFile(path);
  return content.kind === "text" ? publicPartOfLine(content.text) : undefined;
}

type Content =
  | { readonly kind: "text"; readonly text: string; readonly mode: number; readonly uid: number }
  | { readonly kind: "failed"; readonly code: string };

async function readSmallFile(path: string): Promise<Content> {
  try {
    const { size, mode, uid, isFile } = await statOf(path);
    // Reading a FIFO or a device might never end.
    if (!isFile) return { kind: "failed", code: "not a file" };
    if (size > MAX_FILE_BYTES) return { kind: "failed", code: "too large" };
    return { kind: "text", text: await readFile(path, "latin1"), mode, uid };
  } catch (error) {
    return { kind: "failed", code: systemCode(error) };
  }
}

async function statOf(path: string) {
  const found = await stat(path);
  return { size: found.size, mode: found.mode, uid: found.uid, isFile: found.isFile() };
}

/** sshkey_perm_ok (authfile.c): ssh checks the mode only if the person owns the file. */
function isLoose({ mode, uid }: { readonly mode: number; readonly uid: number }): boolean {
  return process.getuid !== undefined && uid === process.getuid() && (mode & 0o077) !== 0;
}

/** `-P ""` keeps ssh-keygen from asking for a passphrase: it fails if the file has one. */
function askKeygen(path: string, options: KeyFileOptions): Promise<PublicPart | undefined> {
  return new Promise((resolve) => {
    const child = execFile(
      options.sshKeygen ?? "ssh-keygen",
      ["-y", "-P", "", "-f", path],
      { env: { ...options.env }, timeout: KEYGEN_TIMEOUT_MS, maxBuffer: MAX_FILE_BYTES, windowsHide: true },
      // No ssh-keygen, or a file that it refuses: the public key stays unknown, which the result says.
      (error, stdout) => resolve(error === null ? publicPartOfLine(stdout) : undefined),
    );
    child.stdin?.end();
  });
}
