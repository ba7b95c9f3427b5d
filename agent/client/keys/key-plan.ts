// Which of the person's keys opens their workspaces, and how the SSH configuration names exactly that one. Pure.

import { createHash } from "node:crypto";
import { posix, win32 } from "node:path";
import { formatPublicKey, type SshPublicKey } from "../../../protocol/values/ssh-public-key.ts";
import type { AgentAddress } from "../ssh-agent/agent-address.ts";
import type { KeyCandidate } from "./key-candidates.ts";

/** What a `Host` block says so that ssh offers this key and no other: many agent keys would use up the server's tries. */
export interface KeyPin {
  readonly key: SshPublicKey;
  /** IdentityFile: an absolute path. The caller quotes it for the configuration. */
  readonly identityFile: string;
  readonly identitiesOnly: true;
  /** IdentityAgent, where the key is in another agent than ssh asks by default. */
  readonly identityAgent: string | undefined;
  /** CertificateFile, where the person's configuration names one for this key. */
  readonly certificateFile: string | undefined;
  /** The public key file of ours that `identityFile` names; it has to be written before the pin is used. */
  readonly publicKeyFile: { readonly path: string; readonly content: string } | undefined;
}

export type KeyPlan =
  | { readonly kind: "matched"; readonly candidate: KeyCandidate; readonly pin: KeyPin }
  /** None of these is registered, or none that is can be used as it is (its `problem` says why). */
  | { readonly kind: "none"; readonly candidates: readonly KeyCandidate[] };

export interface KeyPlanFacts {
  /** In ssh's order. */
  readonly candidates: readonly KeyCandidate[];
  /** `SHA256:…` of the account's keys at the gateway. */
  readonly registered: ReadonlySet<string>;
  readonly agent: AgentAddress;
  /** Sallyport's own directory, where public keys of agent-only keys are kept. */
  readonly directory: string;
  readonly platform: NodeJS.Platform;
}

/** The first key in ssh's order that the gateway knows and that ssh can use. */
export function planKey(facts: KeyPlanFacts): KeyPlan {
  const { candidates, registered } = facts;
  const match = candidates.find(
    ({ key, problem }) => problem === undefined && registered.has(key.fingerprint),
  );
  if (match === undefined) return { kind: "none", candidates };
  return { kind: "matched", candidate: match, pin: pinOf(match, facts) };
}

/** Pins one candidate, such as the one that a person has just registered. */
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

/** Named by the key, so that a changed comment does not make a second file. */
function publicKeyPath(key: SshPublicKey, directory: string, platform: NodeJS.Platform): string {
  const hash = createHash("sha256").update(key.blob).digest("hex").slice(0, 16);
  return (platform === "win32" ? win32 : posix).join(directory, `agent-${hash}.pub`);
}

/** A variable stays one: the socket behind it changes with each login. */
function agentValue(agent: AgentAddress): string | undefined {
  if (agent.kind === "none" || agent.configured === undefined) return undefined;
  const isVariable = agent.configured === "SSH_AUTH_SOCK" || /^\$[^{]/.test(agent.configured);
  return isVariable ? agent.configured : agent.path;
}
