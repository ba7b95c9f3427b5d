// What makes a host the same workspace after a restart: its SSH host keys and the ids that gateways gave it.

import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import ssh2 from "ssh2";
import { Type } from "typebox";
import { Check } from "typebox/value";
import { type HostKeyKind, newHostKey } from "../../protocol/ssh/private-key.ts";
import type { GatewayUrl } from "../../protocol/values/gateway-url.ts";
import { ID_PATTERN, parseWorkspaceId, type WorkspaceId } from "../../protocol/values/id.ts";
import { quoteForShell } from "../../protocol/values/shell-word.ts";
import { type KeyType, parsePublicKey, type SshPublicKey } from "../../protocol/values/ssh-public-key.ts";
import { CommandError } from "../platform/command-error.ts";
import { errorCode } from "../platform/error-code.ts";

const State = Type.Object({
  version: Type.Literal(1),
  /** By gateway URL and name: the workspace's id there. */
  workspaces: Type.Record(Type.String(), Type.String({ pattern: ID_PATTERN.workspace })),
});

export interface HostKey {
  /** As ssh2 and OpenSSH read it. */
  readonly privateKey: string;
  readonly publicKey: SshPublicKey;
  /** Ed25519 (64 bytes), ECDSA with SHA-256 (DER), or RSA with SHA-512. */
  sign(data: Buffer): Buffer;
}

/** The key itself is the Ed25519 one, by which gateways know the workspace. */
export interface HostIdentity extends HostKey {
  /** ECDSA and RSA, for clients that do not support Ed25519. */
  readonly furtherKeys: readonly HostKey[];
  /** Sentences for the log: which further key is missing, and why. */
  readonly warnings: readonly string[];
  workspaceId(gateway: GatewayUrl, name: string): WorkspaceId | null;
  /** Remembers an id; written before it returns. */
  remember(gateway: GatewayUrl, name: string, id: WorkspaceId): Promise<void>;
}

/**
 * Reads the identity below `directory`, or makes one there (directory 0700, files 0600).
 * @throws CommandError at stage file: unreadable, damaged, not writable
 */
export async function loadIdentity(directory: string): Promise<HostIdentity> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await refuseForeign(directory, 0o022);
    const [key, ecdsa, rsa] = await Promise.all([
      loadKey(directory, "ed25519"),
      loadFurther(directory, "ecdsa"),
      loadFurther(directory, "rsa"),
    ]);
    const further = [ecdsa, rsa];
    const stateFile = join(directory, "state.json");
    const workspaces = await readState(stateFile);
    const entry = (gateway: GatewayUrl, name: string): string => `${gateway} ${name}`;
    return {
      ...key,
      furtherKeys: further.filter((one) => typeof one !== "string"),
      warnings: further.filter((one) => typeof one === "string"),
      workspaceId(gateway, name) {
        const id = workspaces.get(entry(gateway, name));
        return id === undefined ? null : parseWorkspaceId(id);
      },
      async remember(gateway, name, id) {
        if (workspaces.get(entry(gateway, name)) === id) return;
        workspaces.set(entry(gateway, name), id);
        const text = `${JSON.stringify({ version: 1, workspaces: Object.fromEntries(workspaces) }, undefined, 2)}\n`;
        await replaceFile(stateFile, text);
      },
    };
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    const code = errorCode(cause) ?? "EFAILED";
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(
      "file",
      code,
      `the host's state in ${directory} cannot be used (choose a different place with --state DIR): ${message}`,
      {
        cause,
      },
    );
  }
}

/** A user who can write a key there, or read one, can impersonate this host. @throws CommandError */
async function refuseForeign(path: string, forbidden: number): Promise<void> {
  if (process.getuid === undefined) return;
  const { uid, mode } = await stat(path);
  if (uid !== process.getuid()) {
    throw new CommandError(
      "file",
      "foreign_owner",
      `${path} belongs to another user (uid ${uid}): choose a different place with --state DIR`,
    );
  }
  if ((mode & forbidden) !== 0) {
    throw new CommandError(
      "file",
      "loose_mode",
      `${path} is open to other users: run \`chmod go-rwx ${quoteForShell(path)}\``,
    );
  }
}

const TYPES: Readonly<Record<HostKeyKind, KeyType>> = {
  ed25519: "ssh-ed25519",
  ecdsa: "ecdsa-sha2-nistp256",
  rsa: "ssh-rsa",
};

async function loadKey(directory: string, kind: HostKeyKind): Promise<HostKey> {
  const file = join(directory, `ssh_host_${kind}_key`);
  const text = (await readIfThere(file)) ?? (await createKey(file, kind));
  await refuseForeign(file, 0o077);
  return parsePrivateKey(text, file, TYPES[kind]);
}

/**
 * Returns a sentence where the key is missing and cannot be written: an existing state directory may be read-only, such as
 * a mounted secret, or its disk may be full.
 */
async function loadFurther(directory: string, kind: HostKeyKind): Promise<HostKey | string> {
  try {
    return await loadKey(directory, kind);
  } catch (error) {
    const code = errorCode(error);
    if (error instanceof CommandError || code === undefined) throw error;
    return `there is no ${kind} host key for clients that do not support ed25519: ${directory} cannot be written to (${code})`;
  }
}

async function createKey(file: string, kind: HostKeyKind): Promise<string> {
  // Not the process id: in a container it is the same at each start, and a killed process leaves its file behind.
  const temporary = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(temporary, await newHostKey(kind), { mode: 0o600, flag: "wx", flush: true });
    // A hard link fails where a rename would replace the file: two hosts that start at once end up with the same key.
    await link(temporary, file);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return await readFile(file, "utf8");
}

function parsePrivateKey(text: string, file: string, type: KeyType): HostKey {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error || key.type !== type || !key.isPrivateKey()) {
    throw new CommandError(
      "file",
      "bad_key",
      `${file} is not a private key of the type ${type}: move it away, and the host makes a new one`,
    );
  }
  return {
    privateKey: text,
    publicKey: parsePublicKey(`${type} ${key.getPublicSSH().toString("base64")}`),
    sign(data) {
      const signature = type === "ssh-rsa" ? key.sign(data, "sha512") : key.sign(data);
      return refuseError(signature);
    },
  };
}

/** ssh2 returns errors, although its types do not say so. */
function refuseError(result: Buffer | Error): Buffer {
  if (result instanceof Error) throw result;
  return result;
}

async function readState(file: string): Promise<Map<string, string>> {
  const text = await readIfThere(file);
  if (text === undefined) return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(file, cause);
  }
  if (!Check(State, value)) throw damaged(file);
  return new Map(Object.entries(value.workspaces));
}

function damaged(file: string, cause?: unknown): CommandError {
  return new CommandError(
    "file",
    "bad_state",
    `${file} is damaged: repair it, or move it away to start afresh`,
    {
      cause,
    },
  );
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, text, { mode: 0o600, flush: true });
  await chmod(temporary, 0o600);
  await rename(temporary, file);
}
