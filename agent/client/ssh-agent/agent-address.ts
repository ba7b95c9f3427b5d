// The address of the SSH agent that ssh would ask: IdentityAgent of its configuration, else SSH_AUTH_SOCK, else the system's
// own agent. Pure.

import type { Machine } from "../../platform/paths.ts";
import { expandPath, type PathFacts } from "../keys/expand-path.ts";

export type AgentAddress =
  /** No agent is configured or running. */
  | { readonly kind: "none" }
  | {
      readonly kind: "socket";
      /** A Unix socket, or a named pipe on Windows. */
      readonly path: string;
      /** The value of IdentityAgent; undefined: this is the agent that ssh asks by default. */
      readonly configured: string | undefined;
    };

/** The pipe of Windows' own OpenSSH agent, which its ssh asks without SSH_AUTH_SOCK. */
const WINDOWS_AGENT_PIPE = "\\\\.\\pipe\\openssh-ssh-agent";

/** The agent that ssh asks where no IdentityAgent is configured. */
export function defaultAgentAddress(machine: Pick<Machine, "platform" | "env">): AgentAddress {
  const address = ofVariable("SSH_AUTH_SOCK", undefined, machine);
  if (address.kind !== "none" || machine.platform !== "win32") return address;
  return { kind: "socket", path: WINDOWS_AGENT_PIPE, configured: undefined };
}

/**
 * Follows ssh(1) 9.x (ssh.c, main): `none`, the word SSH_AUTH_SOCK, `$VARIABLE`, or a path.
 * @param identityAgent as `ssh -G` prints it; undefined: not configured
 */
export function agentAddress(identityAgent: string | undefined, facts: PathFacts): AgentAddress {
  if (identityAgent === undefined) return defaultAgentAddress(facts);
  if (identityAgent === "none") return { kind: "none" };
  if (identityAgent === "SSH_AUTH_SOCK") return ofVariable(identityAgent, identityAgent, facts);
  if (/^\$[^{]/.test(identityAgent)) return ofVariable(identityAgent.slice(1), identityAgent, facts);
  // The name of a pipe is not a path: nothing in it is expanded.
  const path = /^[\\/]{2}\.[\\/]pipe[\\/]/i.test(identityAgent)
    ? identityAgent.replaceAll("/", "\\")
    : expandPath(identityAgent, facts);
  return path === undefined ? { kind: "none" } : { kind: "socket", path, configured: identityAgent };
}

function ofVariable(
  name: string,
  configured: string | undefined,
  { env }: Pick<Machine, "env">,
): AgentAddress {
  const path = env[name];
  return path === undefined || path === "" ? { kind: "none" } : { kind: "socket", path, configured };
}
