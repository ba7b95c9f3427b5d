// Where the SSH configuration is on this machine, and what the managed SSH config says now.

import { readManaged } from "../../agent/client/ssh-config/apply.ts";
import { isOwnerTokenSection, type Section } from "../../agent/client/ssh-config/managed-config.ts";
import { type SshConfigPaths, sshConfigPaths } from "../../agent/client/ssh-config/paths.ts";
import type { SshProgram } from "../../agent/client/ssh-config/person/verify-alias.ts";
import { workspaceKey } from "../../agent/client/workspaces/workspace-list.ts";
import { machine, sshHome } from "../machine.ts";
import { remoteSshConfigFile, sshProgram } from "../settings.ts";

export type ManagedTransport = "direct" | "tunnel" | "owner-token";

export function managedPaths(): SshConfigPaths {
  const { platform, home } = machine();
  return sshConfigPaths({ platform, home, accountHome: sshHome() }, remoteSshConfigFile());
}

/** The ssh that Remote-SSH will run, with the same configuration file. */
export function sshFor(paths: SshConfigPaths): SshProgram {
  return {
    program: sshProgram(),
    env: process.env,
    configFile: paths.personIsDefault ? undefined : paths.person,
    home: sshHome(),
  };
}

/** The arguments of a command that connects to the alias from any terminal. */
export function sshWords(alias: string): string[] {
  const { program, configFile } = sshFor(managedPaths());
  return [program, ...(configFile === undefined ? [] : ["-F", configFile]), alias];
}

export function sectionTransport(section: Section): ManagedTransport {
  return isOwnerTokenSection(section) ? "owner-token" : section.transport;
}

/** The transports of all workspaces that have a Host block, by `workspaceKey`. Empty when the file cannot be read. */
export function managedTransports(): Map<string, ManagedTransport> {
  const found = new Map<string, ManagedTransport>();
  for (const section of managedSections()) {
    if (section.kind === "workspace")
      found.set(workspaceKey(section.gateway, section.id), sectionTransport(section));
  }
  return found;
}

export function managedSections(): readonly Section[] {
  try {
    return readManaged(managedPaths()).sections;
  } catch {
    // Writing the file reports why it cannot be read. Here it counts as empty.
    return [];
  }
}
