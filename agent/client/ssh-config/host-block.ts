// The settings of one Host block of the managed SSH config. It has to mean the same connection to OpenSSH, to Microsoft's
// Remote-SSH, which runs the system's ssh, and to the open-source forks, which parse the file themselves. The forks know HostName,
// User, Port, IdentityFile, IdentitiesOnly, IdentityAgent, ProxyJump and ProxyCommand: a block is complete with these alone. The
// other settings make it safer with ssh: pinned host keys, keep-alive, and an answer to each setting that a person has for all
// hosts and that would break or weaken the connection (settings-treatment.ts). Pure.

import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { type HostName, type Port, parseHostName, parsePort } from "../../../protocol/values/host-name.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { CommandError } from "../../platform/command-error.ts";
import { quoteForWindows } from "../ssh-command/quote.ts";

/** The only keys to offer. Without pins the person's own configuration decides. */
export interface KeyPins {
  /** Private key files, or `.pub` files of keys that are in the agent. */
  readonly identityFiles: readonly string[];
  readonly certificateFiles?: readonly string[];
  readonly identityAgent?: string;
}

/** The gateway's SSH port, for the direct transport. It has its own block, because its pins need a name. */
export interface GatewayBlock {
  readonly gateway: GatewayUrl;
  readonly alias: string;
  readonly hostName: HostName;
  readonly port: Port;
  readonly user: string;
  readonly pins?: KeyPins;
}

export type Transport =
  /** Through the gateway's SSH port; `jump` is the alias of its block. */
  | { readonly kind: "direct"; readonly jump: string }
  /** Through the companion; `launcher` is the launcher's path. Its arguments are the gateway and the workspace. */
  | { readonly kind: "tunnel"; readonly launcher: string };

export interface WorkspaceBlock {
  readonly gateway: GatewayUrl;
  readonly id: WorkspaceId;
  readonly alias: string;
  readonly user: string;
  readonly transport: Transport;
  readonly pins?: KeyPins;
}

/**
 * A workspace that is opened by an owner token, as a relayed connection: ssh connects to the gateway, which asks for the token as
 * the password. No key is offered, since keys would use up the tries.
 */
export interface OwnerTokenBlock {
  readonly gateway: GatewayUrl;
  readonly id: WorkspaceId;
  readonly alias: string;
  readonly gatewayAlias: string;
  readonly hostName: HostName;
  readonly port: Port;
}

/** The machine that reads the block. */
export interface BlockPlace {
  readonly knownHosts: string;
  readonly platform: NodeJS.Platform;
}

/** One line of a block. Values of the forms `path` and `word` are quoted when written; a `command` is quoted already. */
export interface Setting {
  readonly keyword: string;
  readonly value: string;
  readonly form: "word" | "path" | "command";
}

export function workspaceSettings(block: WorkspaceBlock, place: BlockPlace): Setting[] {
  const { transport, gateway, id } = block;
  return [
    // The id, because it survives renaming. The gateway resolves it for a jump; with the companion nothing reads it.
    word("HostName", id),
    word("Port", "22"),
    user(block.user),
    transport.kind === "direct"
      ? word("ProxyJump", transport.jump)
      : command([transport.launcher, gateway, id], place.platform),
    ...trust(block.alias, place),
    ...pins(block.pins, place),
    // The companion passes bytes, not a descriptor.
    word("ProxyUseFdpass", "no"),
    ...byKey(),
    ...session(),
  ];
}

export function gatewaySettings(block: GatewayBlock, place: BlockPlace): Setting[] {
  return [
    ...sshPort(block),
    user(block.user),
    ...trust(block.alias, place),
    ...pins(block.pins, place),
    ...byKey(),
    ...session(),
  ];
}

export function ownerTokenSettings(block: OwnerTokenBlock, place: BlockPlace): Setting[] {
  return [
    ...sshPort(block),
    // The gateway takes the user name as the workspace.
    word("User", block.id),
    ...trust(block.gatewayAlias, place),
    ...byOwnerToken(),
    ...session(),
  ];
}

/**
 * Checks values from a gateway once more: ssh substitutes them for %h, %p and %r in the person's own commands, which a shell
 * runs. @throws ProtocolError
 */
function sshPort({ hostName, port }: Pick<GatewayBlock, "hostName" | "port">): Setting[] {
  return [
    word("HostName", parseHostName(hostName, "HostName")),
    word("Port", String(parsePort(port, "Port"))),
  ];
}

function user(name: string): Setting {
  return word("User", parseName(name, "User"));
}

/** Trusts only the keys that the gateway published, whatever the person's own configuration says. */
function trust(alias: string, { knownHosts, platform }: BlockPlace): Setting[] {
  return [
    word("HostKeyAlias", alias),
    path("UserKnownHostsFile", knownHosts, platform),
    // Not "none", which an ssh before 8.5 takes for the name of a file in the current directory. Unlike the setting above, it
    // takes no tokens.
    { ...path("GlobalKnownHostsFile", knownHosts, platform), value: slashed(knownHosts, platform) },
    word("StrictHostKeyChecking", "yes"),
    word("VerifyHostKeyDNS", "no"),
    word("UpdateHostKeys", "no"),
    word("CanonicalizeHostname", "no"),
    word("CheckHostIP", "no"),
    word("NoHostAuthenticationForLocalhost", "no"),
  ];
}

/** What no person's setting for all hosts may change; every ssh since 7.3 knows these. The others are in settings-treatment.ts. */
function session(): Setting[] {
  return [
    // Above the 300 s for which a tunnel may be away and come back.
    word("ServerAliveInterval", "30"),
    word("ServerAliveCountMax", "12"),
    // A shared connection's socket is named after the alias, which can be longer than a socket's path may be.
    word("ControlMaster", "no"),
    word("ControlPath", "none"),
    word("RequestTTY", "auto"),
    word("Tunnel", "no"),
  ];
}

function byKey(): Setting[] {
  return [word("PubkeyAuthentication", "yes"), word("PreferredAuthentications", "publickey")];
}

/** The gateway asks for it. */
function byOwnerToken(): Setting[] {
  return [
    word("PubkeyAuthentication", "no"),
    word("PreferredAuthentications", "keyboard-interactive,password"),
    word("KbdInteractiveAuthentication", "yes"),
    word("PasswordAuthentication", "yes"),
    word("NumberOfPasswordPrompts", "3"),
    word("BatchMode", "no"),
  ];
}

function pins(keys: KeyPins | undefined, { platform }: BlockPlace): Setting[] {
  if (keys === undefined) return [];
  return [
    ...keys.identityFiles.map((file) => path("IdentityFile", file, platform)),
    ...(keys.certificateFiles ?? []).map((file) => path("CertificateFile", file, platform)),
    ...(keys.identityFiles.length > 0 ? [word("IdentitiesOnly", "yes")] : []),
    ...(keys.identityAgent === undefined ? [] : [path("IdentityAgent", keys.identityAgent, platform)]),
  ];
}

function word(keyword: string, value: string): Setting {
  return { keyword, value: oneLine(keyword, value), form: "word" };
}

/** Uses forward slashes on Windows, which every reader accepts; some readers remove backslashes. */
function path(keyword: string, value: string, platform: NodeJS.Platform): Setting {
  // Alone this word means "no agent" to ssh, and a file of this name to the forks.
  if (value === "none") throw unwritable(keyword, value);
  return { keyword, value: oneLine(keyword, slashed(value, platform)).replaceAll("%", "%%"), form: "path" };
}

function slashed(value: string, platform: NodeJS.Platform): string {
  return platform === "win32" ? value.replaceAll("\\", "/") : value;
}

/**
 * Quotes words for ssh's shell and for the forks, which split the line themselves: with double quotes, never single ones.
 * Characters that are special inside them get a backslash, which the forks remove as a shell does.
 */
function command(words: readonly string[], platform: NodeJS.Platform): Setting {
  const quoted =
    platform === "win32"
      ? words.map((one, index) => quoteForWindows(index === 0 ? one.replaceAll("\\", "/") : one))
      : words.map((one) =>
          /^[A-Za-z0-9_@%+=:,./-]+$/.test(one) ? one : `"${one.replace(/[$`"\\]/g, "\\$&")}"`,
        );
  const value = quoted.join(" ").replaceAll("%", "%%");
  return { keyword: "ProxyCommand", value: oneLine("ProxyCommand", value), form: "command" };
}

/** Refuses line breaks: one in a name or path would end the setting and begin another. */
function oneLine(keyword: string, value: string): string {
  if (value === "" || /[\p{Cc}\u2028\u2029]/u.test(value)) throw unwritable(keyword, value);
  return value;
}

function unwritable(keyword: string, value: string): CommandError {
  return new CommandError(
    "config",
    "unwritable",
    `${keyword} cannot be ${JSON.stringify(value.slice(0, 100))} in an SSH configuration.`,
  );
}
