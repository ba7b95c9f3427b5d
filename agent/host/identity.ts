// What makes a host the same workspace after a restart: its SSH host key and the ids that gateways gave it.

import { generateKeyPairSync } from "node:crypto";
import { chmod, link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import ssh2 from "ssh2";
import { Type } from "typebox";
import { Check } from "typebox/value";
import type { GatewayUrl } from "../../protocol/gateway-url.ts";
import { ID_PATTERN, parseWorkspaceId, type WorkspaceId } from "../../protocol/id.ts";
import { opensshEd25519 } from "../../protocol/ssh/private-key.ts";
import { parsePublicKey, type SshPublicKey } from "../../protocol/ssh-public-key.ts";
import { CommandError } from "../command.ts";

const State = Type.Object({
  version: Type.Literal(1),
  /** By gateway URL and name: the workspace's id there. */
  workspaces: Type.Record(Type.String(), Type.String({ pattern: ID_PATTERN.workspace })),
});

export interface HostIdentity {
  /** OpenSSH private key text, ed25519. */
  readonly privateKey: string;
  readonly publicKey: SshPublicKey;
  /** Ed25519 over `data`: 64 bytes. */
  sign(data: Buffer): Buffer;
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
    const keyFile = join(directory, "ssh_host_ed25519_key");
    const privateKey = (await readIfThere(keyFile)) ?? (await createKey(keyFile));
    await refuseForeign(keyFile, 0o077);
    const key = parsePrivateKey(privateKey, keyFile);
    const stateFile = join(directory, "state.json");
    const workspaces = await readState(stateFile);
    const entry = (gateway: GatewayUrl, name: string): string => `${gateway} ${name}`;
    return {
      privateKey,
      publicKey: key.publicKey,
      sign: key.sign,
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
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "EFAILED";
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(
      "file",
      code,
      `the host's state in ${directory} cannot be used (pass --state DIR for another place): ${message}`,
      {
        cause,
      },
    );
  }
}

/** Whoever can put a key there, or read it, can pass for this host. @throws CommandError */
async function refuseForeign(path: string, forbidden: number): Promise<void> {
  if (process.getuid === undefined) return;
  const { uid, mode } = await stat(path);
  if (uid !== process.getuid()) {
    throw new CommandError(
      "file",
      "foreign_owner",
      `${path} belongs to another user (uid ${uid}): use another --state`,
    );
  }
  if ((mode & forbidden) !== 0) {
    throw new CommandError(
      "file",
      "loose_mode",
      `${path} is open to other users: run \`chmod go-rwx ${path}\``,
    );
  }
}

async function createKey(file: string): Promise<string> {
  const text = opensshEd25519(generateKeyPairSync("ed25519").privateKey);
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, text, { mode: 0o600, flag: "wx", flush: true });
  try {
    // A hard link fails where a rename would replace: two hosts that start at once end up with one key.
    await link(temporary, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return await readFile(file, "utf8");
}

function parsePrivateKey(
  text: string,
  file: string,
): { publicKey: SshPublicKey; sign: (data: Buffer) => Buffer } {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error || key.type !== "ssh-ed25519") {
    throw new CommandError(
      "file",
      "bad_key",
      `${file} is not an ed25519 private key: move it away to get a new one`,
    );
  }
  return {
    publicKey: parsePublicKey(`ssh-ed25519 ${key.getPublicSSH().toString("base64")}`),
    sign: (data) => key.sign(data),
  };
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
  return new CommandError("file", "bad_state", `${file} is damaged: mend it, or move it away to start anew`, {
    cause,
  });
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, text, { mode: 0o600, flush: true });
  await chmod(temporary, 0o600);
  await rename(temporary, file);
}
