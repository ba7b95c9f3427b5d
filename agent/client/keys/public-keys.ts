// The person's own SSH public keys: files in ~/.ssh and what the SSH agent holds. Only the public halves are read.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  parseAuthorizedKeys,
  parsePublicKey,
  type SshPublicKey,
} from "../../../protocol/values/ssh-public-key.ts";
import { CommandError } from "../../platform/command-error.ts";
import { systemCode } from "../../platform/files/private-file.ts";
import type { Machine } from "../../platform/paths.ts";

const MAX_FILE_BYTES = 64 * 1024;
const AGENT_TIMEOUT_MS = 5_000;

export interface FoundKey {
  readonly key: SshPublicKey;
  /** A path, or `ssh-agent`. */
  readonly from: string;
}

/** The default keys (`~/.ssh/id_*.pub`), then what else the agent holds; the same key comes once. */
export async function findPublicKeys({ home, env }: Pick<Machine, "home" | "env">): Promise<FoundKey[]> {
  const found = new Map<string, FoundKey>();
  for (const candidate of [...keysInDirectory(join(home, ".ssh")), ...(await keysInAgent(env))]) {
    if (!found.has(candidate.key.blob)) found.set(candidate.key.blob, candidate);
  }
  return [...found.values()];
}

/** @throws CommandError stage `file`, also for a private key; ProtocolError bad_key */
export function readPublicKeyFile(path: string): SshPublicKey {
  let text: string;
  try {
    if (statSync(path).size > MAX_FILE_BYTES) {
      throw new CommandError("file", "EFBIG", `${path} is too large for a public key.`);
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError("file", systemCode(error), `Cannot read ${path} (${systemCode(error)}).`, {
      cause: error,
    });
  }
  if (/PRIVATE KEY/.test(text)) {
    throw new CommandError(
      "file",
      "bad_key",
      `${path} is a PRIVATE key; it has not left this machine. Name the public one, ${path}.pub.`,
    );
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"));
  return parsePublicKey(lines.length === 1 ? lines[0] : text);
}

function keysInDirectory(directory: string): FoundKey[] {
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => /^id_.*\.pub$/.test(name));
  } catch {
    // No ~/.ssh, or one that cannot be read: there are no default keys then.
    return [];
  }
  return names.toSorted().flatMap((name) => {
    const path = join(directory, name);
    try {
      return [{ key: readPublicKeyFile(path), from: path }];
    } catch {
      // A file that is no key, or of a type that is not served, is not one to offer.
      return [];
    }
  });
}

/** What `ssh-add -L` prints; none where there is no agent. */
function keysInAgent(env: Machine["env"]): Promise<FoundKey[]> {
  if (env.SSH_AUTH_SOCK === undefined && process.platform !== "win32") return Promise.resolve([]);
  return new Promise((resolve) => {
    execFile(
      "ssh-add",
      ["-L"],
      { env: { ...env }, timeout: AGENT_TIMEOUT_MS, maxBuffer: 1024 * 1024 },
      // It exits with 1 or 2 where the agent is empty or absent, which is no error here.
      (_error, stdout) => {
        resolve(parseAuthorizedKeys(stdout).keys.map((key) => ({ key, from: "ssh-agent" })));
      },
    );
  });
}
