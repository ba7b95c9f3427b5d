// The workspace that this window is open on.

import { workspace } from "vscode";
import { aliasOfAuthority } from "../../agent/client/connect/hand-off-target.ts";
import type { Section } from "../../agent/client/ssh-config/managed-config.ts";
import { managedSections } from "../ssh-config/managed-config.ts";

/** Returns the Host block of this window's workspace, or undefined when it is not one of ours. */
export function ownSection(): Section | undefined {
  const uri = workspace.workspaceFile ?? workspace.workspaceFolders?.[0]?.uri;
  const alias = uri?.scheme === "vscode-remote" ? aliasOfAuthority(uri.authority) : undefined;
  const sections = managedSections().filter(({ kind }) => kind === "workspace");
  return alias === undefined ? undefined : sections.find((section) => section.alias === alias);
}
