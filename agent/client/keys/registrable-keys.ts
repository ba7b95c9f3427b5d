// The public keys that `sallyport keys add` offers to register: files in ~/.ssh, and the keys that the SSH agent holds. Only
// public halves are read.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parsePublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { CommandError } from "../../platform/command-error.ts";
import { systemCode } from "../../platform/files/private-file.ts";
import type { Machine } from "../../platform/paths.ts";
import { defaultAgentAddress } from "../ssh-agent/agent-address.ts";
import { askAgent } from "../ssh-agent/ask-agent.ts";
import { publicPartOfBlob } from "./public-part.ts";

const MAX_FILE_BYTES = 64 * 1024;
/** Longer than for a connection: the person waits for the list, and may have to unlock the agent first. */
const AGENT_TIMEOUT_MS = 5_000;

export interface FoundKey {
  readonly key: SshPublicKey;
  /** A path, or `ssh-agent`. */
  readonly from: string;
}

/** The default keys (`~/.ssh/id_*.pub`), then the agent's other keys; each key once. */
export async function findRegistrableKeys(machine: Machine): Promise<FoundKey[]> {
  const found = new Map<string, FoundKey>();
  const inFiles = keysInDirectory(join(machine.home, ".ssh"));
  for (const candidate of [...inFiles, ...(await keysInAgent(machine))]) {
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
      // A file that is not a key, or holds a type that gateways do not take, is not offered.
      return [];
    }
  });
}

/** Plain keys alone: a certificate is not registered. Empty where no agent answers. */
async function keysInAgent(machine: Machine): Promise<FoundKey[]> {
  const address = defaultAgentAddress(machine);
  const answer = address.kind === "none" ? undefined : await askAgent(address.path, AGENT_TIMEOUT_MS);
  if (answer?.kind !== "identities") return [];
  return answer.identities.flatMap(({ blob, comment }) => {
    const part = publicPartOfBlob(blob, comment);
    return part === undefined || part.certificate ? [] : [{ key: part.key, from: "ssh-agent" }];
  });
}
