// Chooses the person's key for their workspaces, and the settings by which an SSH configuration names exactly this key. Pure.

import { createHash } from "node:crypto";
import { posix, win32 } from "node:path";
import { formatPublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import type { AgentAddress } from "../ssh-agent/agent-address.ts";
import type { KeyCandidate } from "./key-candidates.ts";

/** The settings of a `Host` block that make ssh offer only this key: many agent keys would use up the server's tries. */
export interface KeyPin {
  readonly key: SshPublicKey;
  /** IdentityFile, an absolute path. The caller quotes it for the configuration. */
  readonly identityFile: string;
  readonly identitiesOnly: true;
  /** IdentityAgent, if the key is in a different agent from the one that ssh asks by default. */
  readonly identityAgent: string | undefined;
  /** CertificateFile, if the person's configuration names one for this key. */
  readonly certificateFile: string | undefined;
  /** Our own public key file that `identityFile` names. It has to be written before the pin is used. */
  readonly publicKeyFile: { readonly path: string; readonly content: string } | undefined;
}

export type KeyPlan =
  | { readonly kind: "matched"; readonly candidate: KeyCandidate; readonly pin: KeyPin }
  /** No candidate is registered, or those that are cannot be used (`problem` says why). */
  | { readonly kind: "none"; readonly candidates: readonly KeyCandidate[] };

export interface KeyPlanFacts {
  /** In ssh's order. */
  readonly candidates: readonly KeyCandidate[];
  /** The fingerprints (`SHA256:…`) of the account's keys at the gateway. */
  readonly registered: ReadonlySet<string>;
  readonly agent: AgentAddress;
  /** Sallyport's own directory, for the public keys of keys that only the agent has. */
  readonly directory: string;
  readonly platform: NodeJS.Platform;
}

/** Chooses the first key, in ssh's order, that the gateway knows and that ssh can use. */
export function planKey(facts: KeyPlanFacts): KeyPlan {
  const { candidates, registered } = facts;
  const match = candidates.find(
    ({ key, problem }) => problem === undefined && registered.has(key.fingerprint),
  );
  if (match === undefined) return { kind: "none", candidates };
  return { kind: "matched", candidate: match, pin: pinOf(match, facts) };
}

/** The pin of one candidate, for example of a key that the person has just registered. */
export function pinOf(
  candidate: KeyCandidate,
  { agent, directory, platform }: Pick<KeyPlanFacts, "agent" | "directory" | "platform">,
): KeyPin {
  const { key, file, inAgent, certificateFile } = candidate;
  const publicKeyFile =
    file === undefined
      ? { path: publicKeyPath(key, directory, platform), content: `${formatPublicKey(key)}\n` }
      : undefined;
  return {
    key,
    identityFile: publicKeyFile?.path ?? file ?? "",
    identitiesOnly: true,
    identityAgent: inAgent ? agentValue(agent) : undefined,
    certificateFile,
    publicKeyFile,
  };
}

/** Named after the key, so that a changed comment does not make a second file. */
function publicKeyPath(key: SshPublicKey, directory: string, platform: NodeJS.Platform): string {
  const hash = createHash("sha256").update(key.blob).digest("hex").slice(0, 16);
  return (platform === "win32" ? win32 : posix).join(directory, `agent-${hash}.pub`);
}

/** A variable is kept as it is, because its socket changes with each login. */
function agentValue(agent: AgentAddress): string | undefined {
  if (agent.kind === "none" || agent.configured === undefined) return undefined;
  const isVariable = agent.configured === "SSH_AUTH_SOCK" || /^\$[^{]/.test(agent.configured);
  return isVariable ? agent.configured : agent.path;
}
