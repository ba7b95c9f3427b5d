// Which SSH agent ssh would ask: IdentityAgent of its configuration, else SSH_AUTH_SOCK, else the system's own. Pure.

import { expandPath, type PathFacts } from "../keys/expand-path.ts";

export type AgentAddress =
  /** No agent is configured or running. */
  | { readonly kind: "none" }
  | {
      readonly kind: "socket";
      /** A Unix socket, or a named pipe on Windows. */
      readonly path: string;
      /** The IdentityAgent value that led here; undefined: it is the agent that ssh asks by default. */
      readonly configured: string | undefined;
    };

/** Where Windows' own OpenSSH agent listens, and where its ssh looks without SSH_AUTH_SOCK. */
export const WINDOWS_AGENT_PIPE = "\\\\.\\pipe\\openssh-ssh-agent";

/**
 * Follows ssh(1) 9.x (ssh.c, main): `none`, the word SSH_AUTH_SOCK, `$VARIABLE`, or a path.
 * @param identityAgent as `ssh -G` prints it; undefined: not configured
 */
export function agentAddress(identityAgent: string | undefined, facts: PathFacts): AgentAddress {
  if (identityAgent === "none") return { kind: "none" };
  if (identityAgent === undefined || identityAgent === "SSH_AUTH_SOCK") {
    const path = facts.env.SSH_AUTH_SOCK;
    if (path !== undefined && path !== "") return { kind: "socket", path, configured: identityAgent };
    if (facts.platform !== "win32" || identityAgent !== undefined) return { kind: "none" };
    return { kind: "socket", path: WINDOWS_AGENT_PIPE, configured: undefined };
  }
  if (/^\$[^{]/.test(identityAgent)) {
    const path = facts.env[identityAgent.slice(1)];
    return path === undefined || path === ""
      ? { kind: "none" }
      : { kind: "socket", path, configured: identityAgent };
  }
  // A pipe's name is not a path: nothing in it is expanded.
  const path = /^[\\/]{2}\.[\\/]pipe[\\/]/i.test(identityAgent)
    ? identityAgent.replaceAll("/", "\\")
    : expandPath(identityAgent, facts);
  return path === undefined ? { kind: "none" } : { kind: "socket", path, configured: identityAgent };
}
