// Finds the keys that the person's own ssh would offer to a host. Reads files, and asks ssh and the SSH agent. Only `applyPin`
// writes: a public key file of ours.

import { hostname, userInfo } from "node:os";
import type { SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import { readPrivateFile, writePrivateFile } from "../../platform/files/private-file.ts";
import type { Machine } from "../../platform/paths.ts";
import { type AgentAddress, agentAddress } from "../ssh-agent/agent-address.ts";
import { askAgent } from "../ssh-agent/ask-agent.ts";
import { type EffectiveConfig, effectiveConfig, type NoAnswer } from "./effective-config.ts";
import { expandPath, type PathFacts } from "./expand-path.ts";
import { type KeyCandidate, orderCandidates, shortened } from "./key-candidates.ts";
import { type KeyFile, readCertificateFile, readKeyFile } from "./key-file.ts";
import type { KeyPin } from "./key-plan.ts";
import { publicPartOfBlob } from "./public-part.ts";

export interface DiscoverOptions {
  /**
   * The alias or host name to find keys for. An alias of the managed config gives the keys that are pinned there; the gateway's
   * host name gives the keys of the person's own configuration.
   */
  readonly host: string;
  /** The person's configuration, if it is not ssh's default file, such as `remote.SSH.configFile`. */
  readonly configFile?: string | undefined;
  /** `home` is ssh's `~`: on Unix the home directory of the user database, whatever HOME says. */
  readonly machine: Machine;
  /** Programs to use instead of those on PATH. */
  readonly ssh?: string | undefined;
  readonly sshKeygen?: string | undefined;
}

export interface DiscoveredKeys {
  /** In the order in which ssh offers them. */
  readonly candidates: readonly KeyCandidate[];
  readonly agent: AgentAddress;
  /** Sentences for people about keys and agents that could not be read. */
  readonly notes: readonly string[];
  /** Whether ssh itself interpreted its configuration; otherwise only the default paths were searched. */
  readonly askedSsh: boolean;
}

/** OpenSSH's default names, in its order (readconf.c, fill_default_options). */
const DEFAULT_NAMES = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"];
/** The same bound as ssh's (SSH_MAX_IDENTITY_FILES). */
const MAX_FILES = 100;

/** Never throws: a key that cannot be read becomes a note. */
export async function discoverKeys(options: DiscoverOptions): Promise<DiscoveredKeys> {
  const { host, configFile, machine, ssh, sshKeygen } = options;
  const notes: string[] = [];
  const answer = await effectiveConfig({ host, configFile, env: machine.env, ssh });
  const config = "problem" in answer ? defaults(answer, host, notes) : answer;
  const facts = pathFacts(config, options);
  const agent = agentAddress(config.identityAgent, facts);
  const expand = (paths: readonly string[]) => expandAll(paths, facts, notes);
  const identityFiles = expand(config.identityFiles);
  const [files, agentKeys, certificates] = await Promise.all([
    readFiles(identityFiles, { ...machine, sshKeygen }, notes),
    keysOfAgent(agent, machine, notes),
    readCertificates(expand(config.certificateFiles)),
  ]);
  return {
    candidates: orderCandidates({
      files,
      agent: agentKeys,
      certificates,
      identitiesOnly: config.identitiesOnly,
      home: machine.home,
    }),
    agent,
    notes,
    askedSsh: !("problem" in answer),
  };
}

/**
 * Writes the public key file of a pin, if it has one: 0600, in a directory of 0700.
 * @throws CommandError stage `file`
 */
export function applyPin(pin: KeyPin): void {
  if (pin.publicKeyFile === undefined) return;
  const { path, content } = pin.publicKeyFile;
  if (readPrivateFile(path) !== content) writePrivateFile(path, content);
}

function defaults(answer: NoAnswer, host: string, notes: string[]): EffectiveConfig {
  notes.push(`${answer.message.replace(/\.$/, "")}. Only the default key files were searched.`);
  return {
    user: "",
    hostName: host,
    port: "22",
    identityFiles: DEFAULT_NAMES.map((name) => `~/.ssh/${name}`),
    certificateFiles: [],
    identitiesOnly: false,
    identityAgent: undefined,
  };
}

function pathFacts(config: EffectiveConfig, { host, machine }: DiscoverOptions): PathFacts {
  return {
    ...machine,
    alias: host,
    hostName: config.hostName,
    port: config.port,
    remoteUser: config.user,
    localUser: localUser(machine),
    localHost: hostname(),
  };
}

function localUser({ env }: Machine): string {
  try {
    return userInfo().username;
  } catch {
    // A user id that is not in the user database, as in some containers.
    return env.USER ?? env.USERNAME ?? "";
  }
}

function expandAll(paths: readonly string[], facts: PathFacts, notes: string[]): string[] {
  const expanded: string[] = [];
  for (const path of paths.slice(0, MAX_FILES)) {
    const whole = expandPath(path, facts);
    if (whole === undefined) notes.push(`${path} was skipped: only ssh can expand it.`);
    else if (!expanded.includes(whole)) expanded.push(whole);
  }
  return expanded;
}

async function readFiles(
  paths: readonly string[],
  options: Machine & { readonly sshKeygen: string | undefined },
  notes: string[],
): Promise<KeyFile[]> {
  const results = await Promise.all(paths.map((path) => readKeyFile(path, options)));
  const files: KeyFile[] = [];
  for (const result of results) {
    if (result.kind === "key") files.push(result.file);
    if (result.kind === "unknown") {
      const shown = shortened(result.path, options.home);
      notes.push(`${shown} was skipped: ${result.why.replaceAll(result.path, shown)}.`);
    }
  }
  return files;
}

async function readCertificates(paths: readonly string[]) {
  const found = await Promise.all(paths.map(readCertificateFile));
  return found.filter((certificate) => certificate !== undefined);
}

async function keysOfAgent(agent: AgentAddress, machine: Machine, notes: string[]): Promise<SshPublicKey[]> {
  if (agent.kind === "none") return [];
  const answer = await askAgent(agent.path);
  if (answer.kind === "unreachable") {
    // Windows' agent is a service that is often disabled: unless the person chose it, that is not worth a note.
    const chosen = agent.configured !== undefined || machine.env.SSH_AUTH_SOCK !== undefined;
    if (chosen)
      notes.push(`The SSH agent at ${shortened(agent.path, machine.home)} did not answer: ${answer.reason}.`);
    return [];
  }
  return answer.identities.flatMap(({ blob, comment }) => publicPartOfBlob(blob, comment)?.key ?? []);
}
