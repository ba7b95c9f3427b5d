// What one Host block of the managed SSH config says. OpenSSH, Microsoft's Remote-SSH (which runs the system's ssh) and the
// open-source forks (which read the file themselves) have to take it for the same connection. The forks know HostName,
// User, Port, IdentityFile, IdentitiesOnly, IdentityAgent, ProxyJump and ProxyCommand and skip the rest: a block is
// complete by those alone, and what only ssh knows makes it safer there: pinned host keys, keep-alive, and whatever a person's own
// settings for all hosts would break or weaken (settings-treatment.ts). Pure.

import type { GatewayUrl } from "../../../protocol/values/gateway-url.ts";
import { type HostName, type Port, parseHostName, parsePort } from "../../../protocol/values/host-name.ts";
import type { WorkspaceId } from "../../../protocol/values/id.ts";
import { parseName } from "../../../protocol/values/name.ts";
import { CommandError } from "../../platform/command-error.ts";
import { quoteForWindows } from "../ssh-command/quote.ts";

/** The keys that are offered, and no others. Without pins the person's own configuration decides. */
export interface KeyPins {
  /** Private keys, or `.pub` files of keys that are in the agent. */
  readonly identityFiles: readonly string[];
  readonly certificateFiles?: readonly string[];
  readonly identityAgent?: string;
}

/** The gateway's SSH port, as the way of the `direct` transport. A block of its own, because pins on it need a name. */
export interface GatewayBlock {
  readonly gateway: GatewayUrl;
  readonly alias: string;
  readonly hostName: HostName;
  readonly port: Port;
  readonly user: string;
  readonly pins?: KeyPins;
}

export type Transport =
  /** Through the gateway's SSH port: the alias of its block. */
  | { readonly kind: "direct"; readonly jump: string }
  /** Through the companion: the launcher's path, which gets the gateway and the workspace as arguments. */
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
 * A workspace that is opened by an owner token: plain SSH to the gateway, which asks for the token as the password and connects
 * on. No key is offered, so that none uses up the tries.
 */
export interface OwnerTokenBlock {
  readonly gateway: GatewayUrl;
  readonly id: WorkspaceId;
  readonly alias: string;
  readonly gatewayAlias: string;
  readonly hostName: HostName;
  readonly port: Port;
}

/** Where the block is read. */
export interface BlockPlace {
  readonly knownHosts: string;
  readonly platform: NodeJS.Platform;
}

/** One line of a block. `path` and `word` values are quoted when written; a `command` is quoted already. */
export interface Setting {
  readonly keyword: string;
  readonly value: string;
  readonly form: "word" | "path" | "command";
}

export function workspaceSettings(block: WorkspaceBlock, place: BlockPlace): Setting[] {
  const { transport, gateway, id } = block;
  return [
    // The id outlives a rename; the gateway resolves it behind a jump, and behind the companion nobody reads it.
    word("HostName", id),
    word("Port", "22"),
    user(block.user),
    transport.kind === "direct"
      ? word("ProxyJump", transport.jump)
      : command([transport.launcher, gateway, id], place.platform),
    ...trust(block.alias, place),
    ...pins(block.pins, place),
    // The companion passes bytes and no descriptor.
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
    // To the gateway the user name says which workspace is meant.
    word("User", block.id),
    ...trust(block.gatewayAlias, place),
    ...byOwnerToken(),
    ...session(),
  ];
}

/**
 * A gateway's words, checked once more: ssh puts them where %h, %p and %r stand in a command of the person's own, and a shell
 * runs that. @throws ProtocolError
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

/** Only the keys that the gateway published, whatever the person's own configuration says about other hosts. */
function trust(alias: string, { knownHosts, platform }: BlockPlace): Setting[] {
  return [
    word("HostKeyAlias", alias),
    path("UserKnownHostsFile", knownHosts, platform),
    // Not "none": an ssh before 8.5 takes that for the name of a file in the directory that somebody works in. Unlike the one
    // above it takes no tokens.
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

/** Forward slashes on Windows: every reader takes them there, and some eat the others. */
function path(keyword: string, value: string, platform: NodeJS.Platform): Setting {
  // By itself that word means "no agent" to ssh and a file of this name to the forks.
  if (value === "none") throw unwritable(keyword, value);
  return { keyword, value: oneLine(keyword, slashed(value, platform)).replaceAll("%", "%%"), form: "path" };
}

function slashed(value: string, platform: NodeJS.Platform): string {
  return platform === "win32" ? value.replaceAll("\\", "/") : value;
}

/**
 * Words for ssh's shell and for the forks, which split by themselves: double quotes, never single ones. What a shell obeys
 * inside them gets a backslash, which the forks take away as a shell does.
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

/** A line break would end the setting and begin another: nobody's name or path may do that. */
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
