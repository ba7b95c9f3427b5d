// The settings that Sallyport reads: its own, and those of Remote-SSH that say where SSH's configuration is. A person
// may have written a value of any type.

import { workspace } from "vscode";
import type { TransportSetting } from "../agent/client/reachability/reachability.ts";

export function transportSetting(): TransportSetting {
  const value: unknown = workspace.getConfiguration("sallyport").get("transport");
  return value === "direct" || value === "tunnel" ? value : "auto";
}

/** The lifetime of a new owner token, in seconds. */
export function ownerTokenSeconds(): number {
  const hours: unknown = workspace.getConfiguration("sallyport").get("ownerToken.expiryHours");
  return typeof hours === "number" && hours >= 1 && hours <= 720 ? Math.round(hours * 3600) : 12 * 3600;
}

/** An absolute path in workspaces; empty: none. */
export function defaultFolder(): string {
  return text("sallyport", "defaultFolder");
}

/** `remote.SSH.configFile`, empty where the person has not set it. Read, never written. */
export function remoteSshConfigFile(): string {
  return text("remote.SSH", "configFile");
}

/** The ssh that Remote-SSH runs. */
export function sshProgram(): string {
  const configured = text("remote.SSH", "path");
  return configured === "" ? "ssh" : configured;
}

/** Sallyport's own settings, for a support bundle. */
export function ownSettings(): Record<string, unknown> {
  const configuration = workspace.getConfiguration("sallyport");
  return Object.fromEntries(
    ["transport", "ownerToken.expiryHours", "defaultFolder", "notifyAboutTunnel", "update.offer"].map(
      (name) => [`sallyport.${name}`, configuration.get(name)],
    ),
  );
}

export function notifiesAboutTunnel(): boolean {
  return workspace.getConfiguration("sallyport").get("notifyAboutTunnel") !== false;
}

/** Whether gateways are asked for a newer version of the extension. */
export function offersUpdates(): boolean {
  return workspace.getConfiguration("sallyport").get("update.offer") !== false;
}

function text(section: string, name: string): string {
  const value: unknown = workspace.getConfiguration(section).get(name);
  return typeof value === "string" ? value.trim() : "";
}
