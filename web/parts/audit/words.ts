// What the entries of the audit log say, in words. The Activity page and the administrators' audit log share it.

import type { AuditEntry } from "../../../protocol/api.ts";
import { t } from "../../words.ts";

/** What happened. An event of a newer gateway is told by its name. */
export function eventWords(event: string): string {
  return words()[event] ?? event;
}

const words = (): Readonly<Record<string, string>> => ({
  "account.created": t("Account made"),
  "account.disabled": t("Account frozen"),
  "account.enabled": t("Account unfrozen"),
  "account.demoted": t("No longer an administrator"),
  "account.promoted": t("Made an administrator"),
  "account.role-unknown": t("Role not known: claim missing"),
  "certificate.failed": t("Certificate not renewed"),
  "certificate.issued": t("Certificate renewed"),
  "connection.ended": t("Connection ended by a person"),
  "connection.refused": t("Connection refused"),
  "device-code.approved": t("Device code approved"),
  "device-code.denied": t("Device code denied"),
  "device-code.unknown": t("Unknown device code"),
  "identity.linked": t("Identity linked"),
  "identity.removed": t("Identity removed"),
  "invitation.created": t("Link made"),
  "invitation.removed": t("Link withdrawn"),
  "invitation.used": t("Link used"),
  "key.added": t("SSH key added"),
  "key.frozen": t("SSH key frozen"),
  "key.imported": t("SSH keys imported"),
  "key.pending": t("SSH key waits for its proof"),
  "key.refused": t("SSH key refused"),
  "key.removed": t("SSH key removed"),
  "key.unfrozen": t("SSH key unfrozen"),
  "lines.omitted": t("Entries left out"),
  "link.closed": t("Host gone"),
  "link.registered": t("Host connected"),
  "oauth-code.misused": t("Sign-in code misused"),
  "oauth-code.reused": t("Used sign-in code came again"),
  "owner-token.created": t("Owner token made"),
  "owner-token.revoked": t("Owner token revoked"),
  "passkey.added": t("Passkey added"),
  "passkey.removed": t("Passkey removed"),
  "refusals.omitted": t("Refusals left out"),
  "share.accepted": t("Offer accepted"),
  "share.added": t("Workspace offered to an account"),
  "share.declined": t("Offer declined"),
  "share.expired": t("Share expired"),
  "share.left": t("Shared workspace left"),
  "share.removed": t("Workspace no longer shared"),
  "sign-in.created": t("Signed in"),
  "sign-in.ended-by-provider": t("Ended by the identity provider"),
  "sign-in.refused": t("Sign-in refused"),
  "sign-in.renewed": t("Signed in again"),
  "sign-in.reused": t("A used refresh token came again"),
  "ssh.closed": t("SSH connection ended"),
  "ssh.forward.closed": t("SSH jump ended"),
  "ssh.forward.opened": t("SSH jump started"),
  "ssh.forward.refused": t("SSH jump refused"),
  "ssh.session.closed": t("SSH to the workspace ended"),
  "ssh.session.opened": t("SSH to the workspace started"),
  "ssh.session.refused": t("SSH to the workspace refused"),
  "ssh.sign-in": t("Signed in by SSH"),
  "ssh.sign-in.refused": t("SSH sign-in refused"),
  "token.bound": t("Host token bound to a workspace"),
  "token.created": t("Access token made"),
  "token.revoked": t("Access token revoked"),
  "tunnel.closed": t("Tunnel ended"),
  "tunnel.opened": t("Tunnel started"),
  "upterm.closed": t("upterm host gone"),
  "upterm.refused": t("upterm host refused"),
  "upterm.registered": t("upterm host connected"),
  "workspace.created": t("Workspace made"),
  "workspace.forgotten": t("Workspace without an account forgotten"),
  "workspace.frozen": t("Workspace frozen"),
  "workspace.host-key-accepted": t("New host key accepted"),
  "workspace.host-key-changed": t("Host key changed"),
  "workspace.host-key-declined": t("New host key declined"),
  "workspace.host-key-held": t("New host key waits for a decision"),
  "workspace.host-keys-updated": t("Host keys updated"),
  "workspace.pruned": t("Unused workspace deleted"),
  "workspace.removed": t("Workspace deleted"),
  "workspace.renamed": t("Workspace renamed"),
  "workspace.unfrozen": t("Workspace unfrozen"),
});

/** Kinds of events: the beginning of the name, as the audit log is filtered by it, and the kind in words. */
export const eventKinds = (): readonly { readonly value: string; readonly text: string }[] => [
  { value: "sign-in", text: t("Sign-ins") },
  { value: "tunnel", text: t("Tunnels") },
  { value: "ssh", text: t("SSH") },
  { value: "link", text: t("Hosts") },
  { value: "workspace", text: t("Workspaces") },
  { value: "share", text: t("Sharing of workspaces") },
  { value: "key", text: t("SSH keys") },
  { value: "passkey", text: t("Passkeys") },
  { value: "token", text: t("Access tokens") },
  { value: "owner-token", text: t("Owner tokens") },
  { value: "account", text: t("Accounts") },
  { value: "identity", text: t("Identities") },
  { value: "invitation", text: t("Invitations") },
  { value: "device-code", text: t("Device codes") },
  { value: "oauth-code", text: t("Sign-in codes") },
  { value: "certificate", text: t("Certificate") },
];

/** Whether something was refused, or needs a look. */
export function isBad({ event, code }: AuditEntry): boolean {
  return (
    /\.(?:refused|failed|reused|misused|omitted|unknown)$/.test(event) ||
    event === "workspace.host-key-held" ||
    code !== null
  );
}
