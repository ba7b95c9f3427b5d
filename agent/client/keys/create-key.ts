// Makes a key pair for people without one, with ssh-keygen, in Sallyport's own directory. It never replaces a file.

import { execFile } from "node:child_process";
import { constants, copyFileSync, linkSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { CommandError } from "../../platform/command-error.ts";
import { makePrivateDirectory, systemCode } from "../../platform/files/private-file.ts";
import type { Machine } from "../../platform/paths.ts";
import { readKeyFile } from "./key-file.ts";

export interface CreateKeyOptions {
  /** The private file. Its directory is made, 0700. */
  readonly path: string;
  /** The machine's name, for the comment `sallyport@NAME`. */
  readonly hostName: string;
  readonly platform: NodeJS.Platform;
  readonly env: Machine["env"];
  readonly sshKeygen?: string | undefined;
}

export interface CreatedKey {
  /** IdentityFile. */
  readonly path: string;
  readonly key: SshPublicKey;
  /** false: the key was there already. */
  readonly created: boolean;
}

const TIMEOUT_MS = 10_000;

/** `~/.ssh/sallyport/id_ed25519`. */
export function sallyportKeyPath(home: string): string {
  return join(home, ".ssh", "sallyport", "id_ed25519");
}

/**
 * Makes an Ed25519 key without a passphrase, because editors connect in the background, where they cannot ask for one. The
 * file's mode protects it, like the access token. An existing key is returned unchanged.
 * @throws CommandError stage `ssh` (no ssh-keygen, or it fails) or `file` (the directory, or a file that is not a key)
 */
export async function createKey(options: CreateKeyOptions): Promise<CreatedKey> {
  const { path } = options;
  makePrivateDirectory(dirname(path));
  const present = await existing(options);
  if (present !== undefined) return { path, key: present, created: false };
  const temporary = mkdtempSync(join(dirname(path), "new-key-"));
  let created: boolean;
  try {
    const made = join(temporary, "key");
    await runKeygen(made, options);
    // If another window was faster, its key is used.
    created = place(made, path);
    if (created) place(`${made}.pub`, `${path}.pub`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  const key = await existing(options);
  if (key === undefined) throw new CommandError("file", "no_key", `${path} was not made.`);
  return { path, key, created };
}

async function existing(options: CreateKeyOptions): Promise<SshPublicKey | undefined> {
  const result = await readKeyFile(options.path, options);
  if (result.kind === "absent") return undefined;
  if (result.kind === "key" && result.file.privateHalf !== "absent") return result.file.key;
  throw new CommandError(
    "file",
    "not_a_key",
    `${options.path} exists but cannot be used as a key: move it away, then try again.`,
  );
}

function runKeygen(
  path: string,
  { hostName, env, sshKeygen = "ssh-keygen" }: CreateKeyOptions,
): Promise<void> {
  const name = hostName.split(".", 1)[0]?.replace(/[^A-Za-z0-9_-]/g, "-") || "this-machine";
  return new Promise((resolve, reject) => {
    execFile(
      sshKeygen,
      ["-q", "-t", "ed25519", "-N", "", "-C", `sallyport@${name}`, "-f", path],
      { env: { ...env }, timeout: TIMEOUT_MS, windowsHide: true },
      (error, _stdout, stderr) => {
        if (error === null) return resolve();
        const message =
          error.code === "ENOENT"
            ? `There is no ${sshKeygen}: install OpenSSH's client.`
            : `ssh-keygen could not make a key: ${stderr.trim().split("\n").at(-1) || error.message}`;
        reject(new CommandError("ssh", String(error.code ?? "EFAILED"), message, { cause: error }));
      },
    );
  });
}

/** Gives the file its name, unless the name is taken. Returns whether it did. */
function place(from: string, to: string): boolean {
  try {
    try {
      linkSync(from, to);
    } catch (error) {
      if (systemCode(error) === "EEXIST") return false;
      // A file system without hard links.
      copyFileSync(from, to, constants.COPYFILE_EXCL);
    }
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw new CommandError("file", systemCode(error), `Cannot write ${to} (${systemCode(error)}).`, {
      cause: error,
    });
  }
}
